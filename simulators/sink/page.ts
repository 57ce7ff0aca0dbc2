import { html } from "hono/html";
import type { Arrival } from "./sink.ts";

/** What arrived, for a person; reads itself again every two seconds. */
export function arrivalsPage(latest: Arrival[]): string {
  const rows = latest.map((arrival) =>
    html`
      <tr class="${arrival.verified ? "good" : "bad"}">
        <td>${arrival.receivedAt.slice(11, 23)}</td>
        <td>${arrival.endpoint}</td>
        <td>${arrival.verified ? "✓ verified" : `✗ ${arrival.problem}`}</td>
        <td><code>${arrival.webhookId}</code></td>
        <td><code>${arrival.body}</code></td>
      </tr>
    `
  );
  return html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta http-equiv="refresh" content="2">
        <meta name="viewport" content="width=device-width">
        <meta name="color-scheme" content="light dark">
        <title>Webhook sink</title>
        <style>
          body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; }
          table { border-collapse: collapse; width: 100%; }
          th, td { padding: .4rem .8rem .4rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #8884; }
          code { font-size: 13px; overflow-wrap: anywhere; }
          .good td:nth-child(3) { color: #18794e; } .bad td:nth-child(3) { color: #cd2b31; }
        </style>
      </head>
      <body>
        <h1>Webhook sink</h1>
        <p>${latest.length === 0
          ? "Nothing has arrived yet."
          : `The latest ${latest.length}, newest first.`}</p>
        <table>
          <thead>
            <tr>
              <th>Received (UTC)</th>
              <th>Endpoint</th>
              <th>Signature</th>
              <th>webhook-id</th>
              <th>Body</th>
            </tr>
          </thead>
          <tbody>${rows}</tbody>
        </table>
      </body>
    </html>
  `.toString();
}
