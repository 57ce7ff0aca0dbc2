import { checkUrl, EgressError } from "../guardrails.ts";
import { fieldRefused } from "./validated.ts";

/** A name server that says nothing must not hold the request. */
const LOOKUP_TIMEOUT_MS = 5000;

/**
 * Refuses an address that may not be called when it is saved, not when it is called first.
 *
 * @param field - where it stands in the request.
 * @param unknownName - what becomes of a name that cannot be looked up now: it may be known later, when a test says so.
 * @throws {InterlockError} VALIDATION_FAILED naming the field.
 */
export async function checkAddress(
  field: string,
  url: string,
  unknownName: "refused" | "accepted",
): Promise<void> {
  const isStrict = unknownName === "refused";
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => timer = setTimeout(() => resolve("late"), LOOKUP_TIMEOUT_MS));
  try {
    const outcome = await Promise.race([checkUrl(url), late]);
    if (outcome === "late" && isStrict) throw fieldRefused(field, "The name could not be looked up in time.");
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    if (isStrict || error.errorClass !== "dns_failed") throw fieldRefused(field, error.message, error);
  } finally {
    clearTimeout(timer);
  }
}
