/** The TLS files, kept up to date: what is served changes when they do, without a restart. */
import type { Logger } from "pino";
import type { Millis } from "../domain/time.ts";
import type { TlsFiles } from "./config.ts";
import { checkTlsFiles, digestOf, readTlsFiles, type TlsContents, type TlsMaterial } from "./tls_files.ts";

export interface Tls {
  /** What new connections are served with. */
  readonly current: TlsMaterial;
  /** What is asked of clients: nothing, a certificate if they have one, or a certificate. */
  readonly clientCertificates: "ignored" | "optional" | "required";
  /** `listener` is told of everything that is served from now on in place of what was before. */
  onChange(listener: (material: TlsMaterial) => void): void;
  /** Reads the files and serves them if they can be served; if not, it logs why and goes on with what there was. */
  reload(): Promise<void>;
  /** Stops looking at the files. */
  close(): void;
}

export interface TlsOptions {
  readonly logger: Logger;
  /** How often the files are looked at. Default: every 10 seconds. */
  readonly interval?: Millis;
}

// Reading beats being told of changes: a file may be a symlink to a symlink (Kubernetes, certbot) or stand on another machine.
const LOOK_INTERVAL: Millis = 10_000;

const DAY: Millis = 24 * 60 * 60 * 1000;
const SHORT: Millis = 7 * DAY;

/** Rejects with a TlsFilesError if the files can't be served. */
export async function openTls(files: TlsFiles, { logger, interval = LOOK_INTERVAL }: TlsOptions): Promise<Tls> {
  const first = await readTlsFiles(files);
  const listeners: ((material: TlsMaterial) => void)[] = [];
  const warnOfEnd = createEndWarning(logger);
  let current = checkTlsFiles(first, files);
  /** What was decided on last, for better or worse, and what the last look saw. */
  let judged = digestOf(first);
  let seen = judged;
  announce(current, logger);
  warnOfEnd(current);

  const judge = ({ digest, contents }: Look): void => {
    judged = digest;
    try {
      const next = checkTlsFiles(contents(), files);
      if (next.notAfter < Date.now()) throw new Error(`the certificate ${files.certPath} has expired`);
      current = next;
    } catch (error) {
      logger.error({ err: error }, "the TLS files have changed and can't be used: those from before are served on");
      return;
    }
    announce(current, logger);
    for (const listener of listeners) listener(current);
  };
  const look = async (): Promise<void> => {
    const now = await lookAt(files);
    // What differs from look to look may be half-written.
    const isSettled = now.digest === seen;
    seen = now.digest;
    if (isSettled && now.digest !== judged) judge(now);
    warnOfEnd(current);
  };
  const stopLooking = repeat(look, interval);

  return {
    get current() {
      return current;
    },
    clientCertificates: files.clients === null ? "ignored" : files.clients.required ? "required" : "optional",
    onChange: (listener) => listeners.push(listener),
    reload: async () => judge(await lookAt(files)),
    close: stopLooking,
  };
}

/** What the files hold, or that they can't be read: then `contents` throws why. */
interface Look {
  readonly digest: string;
  readonly contents: () => TlsContents;
}

async function lookAt(files: TlsFiles): Promise<Look> {
  try {
    const contents = await readTlsFiles(files);
    return { digest: digestOf(contents), contents: () => contents };
  } catch (error) {
    const contents = (): never => {
      throw error;
    };
    return { digest: String(error), contents };
  }
}

function announce({ certificate, notAfter }: TlsMaterial, logger: Logger): void {
  const { subject, subjectAltName, fingerprint256 } = certificate;
  const facts = { subject, names: subjectAltName, fingerprint256, not_after: new Date(notAfter).toISOString() };
  logger.info(facts, "serving a TLS certificate");
}

/** Says so, once a day, when the certificate will have ended soon. */
function createEndWarning(logger: Logger): (material: TlsMaterial) => void {
  let warnedAt = Number.NEGATIVE_INFINITY;
  let warnedOf: TlsMaterial | undefined;
  return (material) => {
    const now = Date.now();
    const left = material.notAfter - now;
    if (left >= SHORT || (warnedOf === material && now - warnedAt < DAY)) return;
    warnedAt = now;
    warnedOf = material;
    const facts = { subject: material.certificate.subject, not_after: new Date(material.notAfter).toISOString() };
    if (left < 0) logger.error(facts, "the TLS certificate has expired: clients that check it turn away");
    else logger.warn(facts, "the TLS certificate expires within 7 days: renew it");
  };
}

/** Runs `task` again and again, `interval` after it ended. Returns what stops that. */
function repeat(task: () => Promise<void>, interval: Millis): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout;
  const plan = (): void => {
    timer = setTimeout(run, interval).unref();
  };
  const run = async (): Promise<void> => {
    await task();
    if (!stopped) plan();
  };
  plan();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
