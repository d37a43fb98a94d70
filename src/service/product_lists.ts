/** Use cases about lists in the ways that only some products have them: pages by number, windows around a known item. */
import { Refused, refusal } from "../domain/refusal.ts";
import type { Context } from "./context.ts";
import type { Service } from "./service.ts";

export function productListUseCases({ store }: Context): Pick<Service, "listInstancesOfWorkflow" | "listWindow"> {
  return {
    listInstancesOfWorkflow: (tenant, workflowId, page) => store.listInstancesOfWorkflow(tenant, workflowId, page),
    listWindow: async (tenant, kind, window) => {
      const listed = await store.listWindow(tenant, kind, window);
      if (listed !== null) return listed;
      const { side, id } = window.cursor ?? { side: "after", id: "" };
      throw new Refused(
        refusal("invalid_request", `${side}: nothing in this list has the id '${id}'`, { field: side }),
      );
    },
  };
}
