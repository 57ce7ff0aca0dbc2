/** When a slice hands over to the next one. */
export interface SliceLimits {
  /** Checkpoints, each of which costs some requests and two calls of the database. */
  maxPages: number;
  maxRecords: number;
  /** Of the provider's answers: parsing them is most of the work, and XML is longer as well as dearer. */
  maxBytes: number;
  /** To the provider: some ask for each record by itself. */
  maxRequests: number;
  maxWallMs: number;
}

/**
 * What a slice may do: far below 1 s of processor time together with the boot of its worker, which the platform counts
 * from there on (`deno task bench:sync` measures it), and below its 150 s of time.
 */
export const SLICE_LIMITS: SliceLimits = {
  maxPages: 40,
  maxRecords: 4_000,
  maxBytes: 1.5 * 1024 * 1024,
  maxRequests: 300,
  maxWallMs: 60_000,
};

/** How long a slice may be silent before another one may take its run: longer than the longest request. */
export const LEASE_MS = 90_000;

/** Failed tries in a row before a run gives up. */
export const MAX_FAILURES = 8;
