/** A refusal as GoTrue words it: HTTP status, machine-readable code, sentence. */
export class AuthFault extends Error {
  constructor(readonly status: 400 | 401 | 403 | 404 | 422, readonly errorCode: string, message: string) {
    super(message);
  }
}
