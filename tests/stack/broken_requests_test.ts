import assert from "node:assert/strict";
import { sendRaw } from "../support/raw_http.ts";
import { stack, stackTest } from "../support/stack.ts";

const base = new URL(stack.apiUrl);
const target = "/functions/v1/webhook-receiver";
const body = new TextEncoder().encode("{}");

stackTest("a method that no client can pass on is refused at the gateway, as often as it comes", async () => {
  for (let count = 0; count < 50; count++) {
    const answer = await sendRaw(base, { method: "TRACE", target, headers: [], body }, 5000);
    assert.equal(answer.status, 405);
  }
});

stackTest("who stops in the midst of a body is not told that the function broke off", async () => {
  for (const declaredLength of ["100", "3000000"]) {
    const request = { method: "POST", target, headers: [], body, declaredLength, closesAfterwards: true };
    const answer = await sendRaw(base, request, 5000);
    assert.ok([0, 400, 401, 499].includes(answer.status), `${answer.status} ${answer.text}`);
  }
});
