import { parse } from "yaml";

/** What a caller is expected to get. */
export type Expectation = "rows" | "none" | number;
/** Caller -> expectation. */
export type Row = Record<string, Expectation>;
export type Command = "select" | "insert" | "update" | "delete";

/** tests/isolation/access.yaml, as written by hand. */
export interface AccessMatrix {
  tables: Record<string, Record<Command, Row>>;
  views: Record<string, Row>;
  routes: Record<string, Row>;
  grants: { tables: Record<string, Record<string, string[]>>; functions: Record<string, string[]> };
  definers: string[];
}

export const accessMatrix = parse(Deno.readTextFileSync(new URL("./access.yaml", import.meta.url)), {
  merge: true,
  // The file is ours: what guards against strangers' files stops at a hundred references to one row.
  maxAliasCount: -1,
}) as AccessMatrix;

/** Callers every row must name. */
export const CALLERS = [
  "anon",
  "stranger",
  "member",
  "manager",
  "outsider",
  "admin",
  "owner",
  "foreign",
  "service",
] as const;
export type Caller = (typeof CALLERS)[number];
