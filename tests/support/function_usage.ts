import { stack } from "./stack.ts";

/** What the stack says of a function's worker. */
export interface FunctionUsage {
  function: string;
  /** Left out = none runs. */
  pid?: number;
  /** How many there were so far; one that has used up its processor time is followed by another. */
  workers_started: number;
}

/** How a function of the test stack is doing. */
export async function functionUsage(name: string): Promise<FunctionUsage> {
  const response = await fetch(`${stack.apiUrl}/_internal/functions`, {
    headers: { accept: "application/json" },
  });
  const { functions } = await response.json() as { functions: FunctionUsage[] };
  const found = functions.find((row) => row.function === name);
  if (!found) throw new Error(`The stack has no function ${name}`);
  return found;
}
