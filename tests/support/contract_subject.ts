import type { Fault, Faults } from "../../simulators/faults.ts";

/** One stream of one provider, as the contract suite tries it: tests/contract runs the same tests for each. */
export interface ContractSubject {
  /** For the test's name, for example "google_workspace drive_files". */
  name: string;
  /** Kind of connector. */
  type: string;
  stream: string;
  table: string;
  entityType: string;
  functionName: string;
  /** Whether what is gone at the provider goes away here: "always", "full" = with a full sync only, "never". */
  deletions: "always" | "full" | "never";
  /** Requests that each record costs beside those for its page; left out = none. */
  requestsPerRecord?: number;
  /** What this provider cannot be asked, each with the reason: a test of the suite -> a sentence. */
  bypass?: Record<string, string>;
  /** A provider with nothing in it. */
  start(): Promise<RunningSubject>;
}

/** A provider that runs, and what can be done to it. */
export interface RunningSubject {
  config: Record<string, unknown>;
  /** Credentials that work. Those of a grant have an access token that is valid for an hour. */
  secrets: Record<string, unknown>;
  /** Credentials that the provider refuses. */
  badSecrets: Record<string, unknown>;
  /** Makes so many records; their page size is the source's own. */
  create(count: number): void;
  /** Changes some record, chosen by `random` (0 to below 1), so that an incremental read tells of it. */
  edit(random: () => number): void;
  /** Removes some record. */
  remove(random: () => number): void;
  /** What the hub must hold now: external id -> values of some columns of the table. */
  state(): Map<string, Record<string, unknown>>;
  /** Records on a page of the provider, so that tests can make more than one. */
  pageSize: number;
  /** Every request of the source passes here. */
  faults: Faults;
  /** The provider's way of saying "too often, wait so long". */
  rateLimited(retryAfterSeconds: number): Fault;
  /** From now on the current access token is refused as expired; a refresh gives another. Undefined = there is no refresh. */
  expireToken?(): void;
  /** The grant or key is gone: nothing works any more until somebody connects again. */
  revoke(): void;
  /** A cursor that lies ahead of all there is, of the form the source saves; undefined = the provider's cursors are opaque. */
  futureCursor?(): Record<string, unknown>;
  stop(): Promise<void>;
}
