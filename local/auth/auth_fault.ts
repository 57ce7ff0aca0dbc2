/** A refusal as GoTrue words it: HTTP status, machine-readable code, sentence. */
export class AuthFault extends Error {
  override name = "AuthFault";

  constructor(
    readonly status: 400 | 401 | 403 | 404 | 422 | 500 | 503,
    readonly errorCode: string,
    message: string,
    /** Further members of the answer's body, as `weak_password`. */
    readonly details: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

/**
 * The JSON object in a request's body.
 *
 * @throws {AuthFault} bad_json when it is none.
 */
export async function readJsonObject(
  request: { json(): Promise<unknown> },
): Promise<Record<string, unknown>> {
  const body = await request.json().catch(() => null);
  if (typeof body === "object" && body !== null && !Array.isArray(body)) {
    return body as Record<string, unknown>;
  }
  throw new AuthFault(400, "bad_json", "Could not parse request body as JSON");
}
