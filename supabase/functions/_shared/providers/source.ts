import type { Connection } from "./connection.ts";

/** JSON that was read with `JSON.parse`, or that goes into a column. */
export type PlainJson = string | number | boolean | null | PlainJson[] | { [key: string]: PlainJson };

/** Where the next page begins: whatever the source needs, without secrets, at most some 100 KB. */
export type Cursor = { [key: string]: PlainJson };

/** One thing of the provider, as it is now. */
export interface SourceRecord {
  /** The provider's identifier, unique within the stream and connector; 1 to 200 characters. */
  externalId: string;
  /**
   * Values of the stream's table by column name; instants as ISO 8601 with zone. What is left out becomes null. A record
   * whose values are those of last time counts as unchanged. Numbers with a fraction are strings.
   */
  values: { [column: string]: PlainJson };
}

/** What one step of a source read. */
export interface Page {
  records: SourceRecord[];
  /** Identifiers of what the provider says is gone, or is outside of what was asked for. Unknown ones count nothing. */
  deletedIds: string[];
  /** Identifiers of what was seen to exist without being read: they count as seen in this pass. */
  presentIds?: string[];
  /** Where the next step begins, be it in this run or the next one. Saved together with the page. */
  cursor: Cursor;
  /** false = there is nothing further now: the stream is done for this run. */
  hasMore: boolean;
  /**
   * This page is the first of a pass over everything. What was stored before counts as not seen until its identifier
   * comes in `records` or `presentIds`. A read without a cursor begins one by itself.
   */
  beginsPass?: boolean;
  /** Everything there is has been seen since the pass began: what was not is deleted. */
  completesPass?: boolean;
  /** How many records the whole run will read, as far as the provider says; null or left out = unknown. */
  estimate?: number | null;
  /** What one record or the provider refused, without stopping the rest. */
  warnings?: string[];
}

/** What a source is asked. */
export interface ReadRequest<Config, Secrets> {
  connection: Connection<Config, Secrets>;
  /** What the last saved page said; null = from the beginning, everything. */
  cursor: Cursor | null;
  /** What the run was started with beyond stream and mode, for example `{folder_id}`. */
  parameters: { [name: string]: PlainJson };
  /** How many records of the stream the hub holds that are not deleted, the page before this one included. */
  storedCount(): Promise<number>;
}

/**
 * One kind of thing that is read from a provider: a step at a time, without memory of its own, so that a run may stop
 * after any page and go on anywhere. A step is one page of the provider, or some few small requests.
 */
export interface Source<Config, Secrets> {
  /** What it reads, for example "drive_files". */
  stream: string;
  /** The table its records go into; a line of `private.sync_tables`. */
  table: string;
  /** Entity of its events: "drive_file" becomes drive_file.created, .updated and .deleted. */
  entityType: string;
  /** The edge function that runs it. */
  functionName: string;
  /**
   * Reads the next page. Nothing it does may depend on anything but its arguments and the provider.
   *
   * @throws {ProviderError} with what can be done about it; cursor_expired starts the stream over.
   */
  read(request: ReadRequest<Config, Secrets>): Promise<Page>;
}
