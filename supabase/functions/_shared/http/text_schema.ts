import * as z from "zod";

/** Text of a request that a person can read, such as a name: without space around it, without control characters. */
export const textSchema = (maxLength: number) =>
  z.string().trim().min(1).max(maxLength).regex(/^\P{Cc}+$/u, "has no control characters");
