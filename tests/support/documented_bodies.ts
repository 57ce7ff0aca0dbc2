import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A body that docs/outbound.md shows. */
export interface DocumentedBody {
  type: string;
  timestamp: string;
  data: Record<string, unknown>;
}

/** The whole bodies among the examples of docs/outbound.md, by type. */
export function documentedBodies(): Map<string, DocumentedBody> {
  const text = Deno.readTextFileSync(join(root, "docs/outbound.md"));
  const bodies = [...text.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, json]) => JSON.parse(json!))
    .filter((body) => "type" in body && "timestamp" in body && "data" in body);
  return new Map(bodies.map((body) => [body.type, body]));
}
