/** A stored function refused its data (SQLSTATE class 22 or 23): repeating the same call cannot help. */
export class StoreDataError extends Error {
  constructor(readonly sqlState: string, message: string) {
    super(message);
    this.name = "StoreDataError";
  }
}
