import postgres from "postgres";
import { hubspotEvent, sendHubspotEvents } from "../simulators/hubspot/webhook.ts";
import type { Demo } from "./demo.ts";
import type { Stack } from "./stack.ts";
import { StackError } from "./stack_error.ts";

const TIMEOUT_MS = 20_000;

/** What one webhook went through. Milliseconds since it was sent. */
export interface Journey {
  receiptId: string;
  requestId: string;
  contactId: string;
  email: string;
  answeredMs: number;
  contactMs: number;
}

/**
 * Sends one signed HubSpot webhook and waits for the contact it becomes.
 *
 * @throws {StackError} when the webhook is refused or the contact does not appear.
 */
export async function sendFirstWebhook(stack: Stack, demo: Demo): Promise<Journey> {
  const webhook = demo.webhooks.find((candidate) => candidate.provider === "hubspot");
  if (!webhook) throw new StackError("The demo has no HubSpot webhook; run with --fresh to seed again.");
  const objectId = Math.floor(Math.random() * 1e9);
  const email = `ada.${objectId}@example.com`;
  const sql = postgres(stack.dbUrl, { max: 1, onnotice: () => {} });
  try {
    await sql`select 1`;
    const sentMs = performance.now();
    const response = await sendHubspotEvents(webhook, [
      hubspotEvent({ subscriptionType: "contact.creation", objectId }),
      hubspotEvent({
        subscriptionType: "contact.propertyChange",
        objectId,
        propertyName: "email",
        propertyValue: email,
      }),
    ]);
    const answer = await response.json() as { receipt_id?: string };
    const answeredMs = performance.now() - sentMs;
    if (!response.ok) throw new StackError(`The first webhook was refused: ${JSON.stringify(answer)}`);
    while (performance.now() - sentMs < TIMEOUT_MS) {
      const [contact] =
        await sql`select id from public.crm_contacts where tenant_id = ${webhook.tenant_id} and email = ${email}`;
      if (contact) {
        return {
          receiptId: answer.receipt_id!,
          requestId: response.headers.get("x-request-id") ?? "",
          contactId: contact.id,
          email,
          answeredMs: Math.round(answeredMs),
          contactMs: Math.round(performance.now() - sentMs),
        };
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    throw new StackError(
      `The first webhook was stored but its contact did not appear; the log is in ${stack.logFile}.`,
    );
  } finally {
    await sql.end({ timeout: 1 });
  }
}
