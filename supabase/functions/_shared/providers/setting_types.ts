import * as z from "zod";

/** For schemes that need to know nothing besides the secret. */
export const noSettings = () => z.strictObject({});

/** What may be the name of a header, of a field or of a parameter of an address, as it is written. */
export const wordSetting = () =>
  z.string().min(1).max(100).regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "is no name of a header or field");

/** The name of a header, in lower case. */
export const headerNameSetting = () => wordSetting().toLowerCase();

/** Printable text without control characters. */
export const textSetting = (maxLength: number) =>
  z.string().min(1).max(maxLength).regex(/^[\x20-\x7e]*$/, "is printable ASCII");
