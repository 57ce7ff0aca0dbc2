import * as z from "zod";
import "../_shared/guardrails.ts";
import { api, custom } from "../_shared/providers/api/sources.ts";
import { syncFunction } from "../_shared/syncs/sync_function.ts";

/** REST APIs, as their connectors declare them. */
export default syncFunction({
  name: "api-sync",
  summary: "Reads the resources of a REST API, or one of them",
  connectors: [api, custom],
  fields: {
    /** Left out = all resources of the connector, in their order. */
    resource: z.string().regex(/^[a-z0-9_]{1,50}$/, "is the name of a resource").optional(),
  },
  wish: ({ resource }) => ({ streams: resource === undefined ? null : [resource], parameters: {} }),
  exampleFields: { sync_mode: "incremental" },
});
