import assert from "node:assert/strict";
import { employees } from "../../supabase/functions/_shared/providers/odoo/employees.ts";
import type { Cursor } from "../../supabase/functions/_shared/providers/source.ts";
import { createSome, employeeState } from "../support/odoo_subjects.ts";
import { failureOf, type OdooRig, storedState, withOdoo } from "../support/odoo_hub.ts";
import { PageStore } from "../support/page_store.ts";

const HOUR_MS = 3_600_000;
const VERSIONS = [17, 19];

/** Reads one page as a slice of its own does: with a connection that knows nothing. */
async function slice(
  { connect }: OdooRig,
  store: PageStore,
  cursor: Cursor | null,
  ...how: Parameters<OdooRig["connect"]>
): Promise<{ cursor: Cursor; hasMore: boolean }> {
  const storedCount = () => Promise.resolve(store.records.size);
  const connection = connect(...how);
  const page = await employees.read({ connection, cursor, parameters: {}, storedCount });
  store.apply(page, cursor);
  return { cursor: JSON.parse(JSON.stringify(page.cursor)), hasMore: page.hasMore };
}

/** A run in slices of one page; how many requests and pages it took, and where it ended. */
async function slices(rig: OdooRig, store: PageStore, from: Cursor | null) {
  const before = rig.odoo.faults.requests;
  let [cursor, hasMore, pages] = [from, true, 0];
  for (; hasMore; pages++) ({ cursor, hasMore } = await slice(rig, store, cursor));
  return { cursor, pages, requests: rig.odoo.faults.requests - before };
}

for (const major of VERSIONS) {
  Deno.test(`Odoo ${major}: a run asks for what it needs to know once, however many slices it takes`, async () => {
    await withOdoo({ major }, async (rig) => {
      const { odoo } = rig;
      createSome(odoo, "hr.employee", 320);
      odoo.clock.advance(HOUR_MS);
      const [whole, sliced] = [new PageStore(), new PageStore()];
      const first = await rig.run(employees, whole, null);
      const one = await slices(rig, sliced, null);
      assert.deepEqual([one.pages, one.requests], [7, first.requests]);

      odoo.clock.advance(HOUR_MS);
      odoo.database.write("hr.employee", odoo.database.idsOf("hr.employee"), { name: "All of them" });
      const second = await rig.run(employees, whole, first.cursor);
      const other = await slices(rig, sliced, one.cursor);
      assert.equal(other.requests, second.requests);
      const expected = employeeState(odoo);
      assert.deepEqual(storedState(sliced, expected), expected);
    });
  });

  Deno.test(`Odoo ${major}: what a slice learnt is no secret, and the next run learns anew`, async () => {
    await withOdoo({ major }, async (rig) => {
      createSome(rig.odoo, "hr.employee", 60);
      const store = new PageStore();
      const { cursor } = await slice(rig, store, null);
      assert.ok("learnt" in cursor);
      assert.doesNotMatch(JSON.stringify(cursor), /the-key|hub@acme/);
      const end = await slices(rig, store, cursor);
      assert.ok(!("learnt" in end.cursor!), JSON.stringify(end.cursor));
    });
  });

  Deno.test(`Odoo ${major}: a field that goes between two slices is asked for no more`, async () => {
    await withOdoo({ major }, async (rig) => {
      const { odoo } = rig;
      createSome(odoo, "hr.employee", 110);
      const store = new PageStore();
      const { cursor } = await slice(rig, store, null);
      delete odoo.database.models["hr.employee"]!.fields.mobile_phone;
      const rest = await slices(rig, store, cursor);
      assert.deepEqual([store.records.size, rest.pages], [110, 2]);
      assert.ok("mobile_phone" in store.records.get("1")!);
      assert.ok(!("mobile_phone" in store.records.get("110")!));
      const again = odoo.requests.filter((request) => request.includes("/web/version"));
      assert.equal(again.length, 2, "it is learnt again once, not with every slice from then on");
    });
  });

  Deno.test(`Odoo ${major}: a key of another user, given between two slices, is spoken as that user`, async () => {
    await withOdoo({ major }, async (rig) => {
      const { odoo, user } = rig;
      createSome(odoo, "hr.employee", 60);
      const store = new PageStore();
      const { cursor } = await slice(rig, store, null);
      user.keys.splice(0);
      const other = odoo.addUser({
        login: "new@acme.example",
        keys: [{ key: "another-key", expiresAtMs: null }],
      });
      await slice(rig, store, cursor, {}, { login: other.login, api_key: "another-key" });
      assert.equal(store.records.size, 60);
      const refused = await failureOf(slice(rig, store, cursor));
      assert.equal(refused.errorClass, "reconnect_needed");
    });
  });
}

Deno.test("Odoo: another wire than the one learnt is found, and what the settings insist on is spoken", async () => {
  await withOdoo({ major: 17 }, async (rig) => {
    createSome(rig.odoo, "hr.employee", 60);
    const store = new PageStore();
    const { cursor } = await slice(rig, store, null);
    const learnt = { version: "19.0", protocol: "json_2", user: null, lacks: {} };
    await slice(rig, store, { ...cursor, learnt });
    assert.equal(store.records.size, 60);
    const insisting = await failureOf(slice(rig, store, cursor, { protocol: "json_2" }));
    assert.match(insisting.message, /does not speak JSON-2/);
  });
});
