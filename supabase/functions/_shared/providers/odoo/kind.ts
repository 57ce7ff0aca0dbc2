import type { OdooConfig, OdooSecrets } from "./settings.ts";
import type { Source } from "../source.ts";
import type { Columns } from "./columns.ts";

/** What is read of one model of Odoo. */
export interface Kind extends Pick<Source<OdooConfig, OdooSecrets>, "stream" | "table" | "entityType"> {
  /** Odoo's name of it, for example "hr.employee". */
  model: string;
  columns: Columns;
  /** A model that holds part of its records' values since 19, and the field by which it points to them. */
  versions?: { model: string; field: string };
  /** Reads everything every time: for what is few and hangs together. */
  alwaysWhole?: boolean;
}
