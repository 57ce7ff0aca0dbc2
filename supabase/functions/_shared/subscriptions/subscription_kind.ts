import type { TenantDb } from "../db/tenant_db.ts";
import type { PayloadBuilder } from "../delivery/contract.ts";

/** What became of a delivery, as a test answers it. */
export interface DeliveryReport {
  id: string;
  status: string;
  finished_at: string | null;
}

/** What the routes of every kind of subscription need to know of their own. */
export interface SubscriptionKind {
  /** What the database calls it. */
  name: "guardian_meta" | "event";
  builder: PayloadBuilder;
  /**
   * Lets pass only what this database shows.
   *
   * @throws {InterlockError} NOT_FOUND.
   */
  assertExists(db: TenantDb, id: string): Promise<void>;
  delivery(db: TenantDb, deliveryId: string): Promise<DeliveryReport | null>;
  /** The latest attempt of a delivery. */
  lastAttempt(db: TenantDb, deliveryId: string): Promise<object | null>;
}

export const DELIVERY_COLUMNS =
  "id, status, attempt_count, last_error_class, last_error, created_at, finished_at";
export const ATTEMPT_COLUMNS =
  "attempt, outcome, status_code, error_class, started_at, duration_ms, timing, response_excerpt, request_body";
