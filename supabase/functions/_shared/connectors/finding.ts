import * as z from "zod";

/** What a test of a connector found, as the function that has the provider's client tells it to the one that was asked. */
export const findingSchema = z.strictObject({
  /** What was found, or why it does not work and what to do. */
  message: z.string(),
  /** The account at the provider, for display; null = it has none, or nobody knows. */
  account_name: z.string().nullable(),
  /** Of the closed list of provider errors; null = it works. */
  error_class: z.string().nullable(),
});

export type Finding = z.infer<typeof findingSchema>;
