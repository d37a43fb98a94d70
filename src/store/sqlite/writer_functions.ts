/** The functions of a writer, for calls that come with a name. */
import type { SqliteWriter } from "./writer.ts";
import type { WriterFunction } from "./writer_messages.ts";

/** Calls one of a writer's functions. */
export type CallWriter = <Result>(name: WriterFunction, args: readonly unknown[]) => Promise<Result>;

export function callsTo(writer: SqliteWriter): CallWriter {
  return async (name, args) => {
    const [group = "", member = ""] = name.split(".");
    const members = Reflect.get(writer, group);
    return Reflect.apply(Reflect.get(members, member), members, args);
  };
}
