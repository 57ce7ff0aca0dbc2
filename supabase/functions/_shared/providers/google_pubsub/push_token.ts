import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from "jose";
import { InterlockError } from "../../errors/interlock_error.ts";
import { googleKeys } from "./google_keys.ts";

const ISSUERS = ["https://accounts.google.com", "accounts.google.com"];
/** Clocks differ; Google's tokens are valid for an hour. */
const CLOCK_TOLERANCE_SECONDS = 30;

/** Whom a token must be for and from. */
export interface ExpectedToken {
  audience: string;
  serviceAccountEmail: string;
}

/**
 * Whether a token is Google's, for us, from the service account, and of now. Keys are looked up for every token of the
 * right form before anything in it is compared: the time it takes says nothing about what was expected.
 *
 * @throws {InterlockError} UNAVAILABLE when Google's keys cannot be had.
 */
export async function isPushToken(
  token: string,
  expected: ExpectedToken,
  nowMs: number,
  keys: JWTVerifyGetKey = googleKeys(),
): Promise<boolean> {
  if (algorithmOf(token) !== "RS256") return false;
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ["RS256"],
      currentDate: new Date(nowMs),
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ["iss", "aud", "exp", "iat", "email"],
    });
    return isExpected(payload, expected, nowMs);
  } catch (error) {
    if (isRefusal(error)) return false;
    throw new InterlockError("UNAVAILABLE", "Google's keys cannot be had right now; send this again.", {
      cause: error,
      retryAfterMs: 10_000,
    });
  }
}

function algorithmOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).alg;
  } catch {
    return undefined;
  }
}

function isExpected(claims: JWTPayload, expected: ExpectedToken, nowMs: number): boolean {
  return ISSUERS.includes(claims.iss ?? "") &&
    claims.aud === expected.audience &&
    claims.email === expected.serviceAccountEmail &&
    claims.email_verified === true &&
    claims.iat! * 1000 <= nowMs + CLOCK_TOLERANCE_SECONDS * 1000;
}

/** The token's fault, and not that of the way to Google. */
function isRefusal(error: unknown): boolean {
  return error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired ||
    error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys || error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported;
}
