import { utf8Bytes } from "../../supabase/functions/_shared/crypto/encoding.ts";
import { receiptFrame } from "../../supabase/functions/_shared/inbound/receipt_frame.ts";
import { adminSql, sql } from "../support/stack.ts";
import { createUser, type TestTenant } from "../support/tenant.ts";
import { createGuardianSamples } from "./guardian_samples.ts";

/** How to find, change and add a row of one table. */
export interface Sample {
  /** PostgREST filter that names the tenant's sample row. */
  filter: string;
  /** A change that anybody with the right may make. */
  change: Record<string, unknown>;
  /** A further row that anybody with the right may insert. */
  row: Record<string, unknown>;
}

const unique = () => crypto.randomUUID();

/**
 * Fills every table with one row of the tenant, in its first org, and says how to address it. Called again after a row
 * was deleted; what is there stays.
 */
export async function createSamples(tenant: TestTenant): Promise<Record<string, Sample>> {
  const tenantId = tenant.id;
  const [orgId] = tenant.orgs;
  const [org] =
    await sql`insert into public.orgs (tenant_id, name) values (${tenantId}, ${unique()}) returning id`;
  const newcomer = await createUser(`${unique()}@sample.test`);
  const manager = await createUser(`${unique()}@sample.test`);
  await sql`insert into public.tenant_members (tenant_id, user_id, role, org_id) values (${tenantId}, ${manager.id}, 'manager', ${
    org!.id
  })`;
  const [client] =
    await sql`insert into public.clients (tenant_id, org_id, name) values (${tenantId}, ${orgId}, 'Sample') returning id`;
  const [spare] =
    await sql`insert into public.clients (tenant_id, org_id, name) values (${tenantId}, ${orgId}, 'Spare') returning id`;
  await sql`insert into public.member_client_access (tenant_id, user_id, client_id, access) values (${tenantId}, ${tenant.users.member.id}, ${
    client!.id
  }, 'read')`;
  const [connector] =
    await sql`insert into public.integration_connectors (tenant_id, org_id, type, name) values (${tenantId}, ${orgId}, 'hubspot', 'Sample') returning id`;
  const [department] =
    await sql`insert into public.odoo_departments (tenant_id, org_id, connector_id, external_id, content_hash) values (${tenantId}, ${orgId}, ${
      connector!.id
    }, ${unique()}, 'x') returning id`;
  const [employee] =
    await sql`insert into public.odoo_employees (tenant_id, org_id, connector_id, external_id, content_hash) values (${tenantId}, ${orgId}, ${
      connector!.id
    }, ${unique()}, 'x') returning id`;
  const [conversation] = await adminSql`insert into public.slack_conversations
    (tenant_id, org_id, connector_id, external_id, content_hash)
    values (${tenantId}, ${orgId}, ${connector!.id}, ${unique()}, 'sample') returning id`;
  const [said] = await adminSql`insert into public.slack_messages
    (tenant_id, org_id, connector_id, external_id, content_hash)
    values (${tenantId}, ${orgId}, ${connector!.id}, ${unique()}, 'sample') returning id`;
  const syncedSample = async (table: string) => {
    const [row] = await adminSql`insert into ${adminSql(`public.${table}`)}
      (tenant_id, org_id, connector_id, external_id, content_hash)
      values (${tenantId}, ${orgId}, ${connector!.id}, ${unique()}, 'sample') returning id`;
    return {
      filter: byId(row),
      change: { external_id: unique() },
      row: { ...inOrg, connector_id: connector!.id, external_id: unique(), content_hash: "x" },
    };
  };
  const [account] =
    await sql`insert into public.connector_accounts (tenant_id, connector_id, provider, account_id) values (${tenantId}, ${
      connector!.id
    }, 'hubspot', ${unique()}) returning id`;
  const [log] =
    await sql`insert into public.integration_logs (tenant_id, org_id, event_type, status) values (${tenantId}, ${orgId}, 'sample', 'success') returning id`;
  const [webhook] =
    await sql`select public.create_webhook(${tenantId}, ${orgId}, 'generic_hmac', 'Sample', '0123456789abcdef', null, null) as row`;
  const webhookId = webhook!.row.id;
  const receiptId = unique();
  const frame = receiptFrame([{
    ...{ webhook_id: webhookId, version: 1, receipt_id: receiptId, request_id: "sample", content_type: null },
    ...{
      headers: "{}",
      body: utf8Bytes("{}"),
      elements: [{ dedupe_key: unique(), type: "sample", index: 0 }],
    },
  }]);
  await sql`select public.store_webhook_receipts(${frame})`;
  const [event] = await sql`select id from public.integration_events_outbox where receipt_id = ${receiptId}`;
  const [dispatch] = await sql`select id from public.event_dispatches where event_id = ${event!.id}`;
  const [contact] =
    await sql`insert into public.crm_contacts (tenant_id, org_id, client_id, email) values (${tenantId}, ${orgId}, ${
      client!.id
    }, 'sample@example.com') returning id`;
  const [activity] =
    await sql`insert into public.crm_activities (tenant_id, org_id, contact_id, type) values (${tenantId}, ${orgId}, ${
      contact!.id
    }, 'sample') returning id`;
  const [identity] =
    await sql`insert into public.identity_external_id_map (tenant_id, provider, external_type, external_id, internal_type, internal_id)
    values (${tenantId}, 'hubspot', 'contact', ${unique()}, 'crm_contact', ${contact!.id}) returning id`;
  const [campaign] =
    await sql`insert into public.cmo_campaigns (tenant_id, org_id, name) values (${tenantId}, ${orgId}, 'Sample') returning id`;
  const [mail] =
    await sql`insert into public.campaign_emails (tenant_id, campaign_id, subject) values (${tenantId}, ${
      campaign!.id
    }, 'Sample') returning id`;
  const changes = {
    asset_type: "campaign",
    asset_id: campaign!.id,
    previous_value: { name: "Old" },
    new_value: { name: "Sample" },
    auto_applied: true,
    agent: "sample",
  };
  const [optimization] = await sql`select public.log_ai_change(${tenantId}, ${campaign!.id}, ${
    sql.json(changes)
  }, null) as id`;
  const [recommendation] = await sql`select public.queue_for_approval(${tenantId}, ${campaign!.id}, ${
    sql.json(changes)
  }, null) as id`;
  await sql`select public.check_event_processed(${tenantId}, ${unique()}, 'open', ${campaign!.id}, null)`;
  const [mailEvent] =
    await sql`select id from public.email_events where tenant_id = ${tenantId} order by id desc limit 1`;
  const [run] =
    await adminSql`insert into public.agent_runs (tenant_id, agent, status, finished_at) values (${tenantId}, 'sample', 'completed', now()) returning id`;
  const [integration] =
    await sql`select public.create_guardian_meta_integration(${tenantId}, ${unique()}, 'Sample', null, true,
      ${sql.json({ webhook_url: "http://127.0.0.1:9/sample" })}, null, ${[
      "readiness",
    ]}, '{}', 'whsec_c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlLXNhbXBsZQ==', null) ->> 'id' as id`;
  const [snapshot] =
    await sql`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band) values (${tenantId}, 50, 'emerging') returning id`;
  const [delivery] = await sql`select id from public.guardian_meta_webhook_events where integration_id = ${
    integration!.id
  }`;
  // A number that no attempt of the worker has: it takes the same delivery.
  const [tried] = await adminSql`insert into public.guardian_meta_webhook_attempts
    (tenant_id, integration_id, delivery_id, attempt, outcome, started_at)
    values (${tenantId}, ${integration!.id}, ${delivery!.id}, 1000, 'failed', now()) returning delivery_id`;
  const [subscription] =
    await sql`select public.create_event_subscription(${tenantId}, ${orgId}, 'Sample', null, true,
      ${sql.json({ webhook_url: "http://127.0.0.1:9/sample" })}, null, '{sample.nothing}', null, null, '{}',
      'whsec_c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlLXNhbXBsZQ==', null) ->> 'id' as id`;
  const [eventDelivery] = await adminSql`insert into public.event_deliveries
    (tenant_id, org_id, integration_id, event_type)
    values (${tenantId}, ${orgId}, ${subscription!.id}, 'sample.nothing') returning id`;
  await adminSql`insert into public.event_delivery_attempts
    (tenant_id, integration_id, delivery_id, attempt, outcome, started_at)
    values (${tenantId}, ${subscription!.id}, ${eventDelivery!.id}, 1000, 'failed', now())`;
  const [replay] =
    await adminSql`insert into public.delivery_replays (tenant_id, org_id, kind, mode, filter, phase, total, total_is_exact, state, finished_at)
    values (${tenantId}, ${orgId}, 'event', 'replay', '{}', 'log', 0, true, 'cancelled', now()) returning id`;
  const [notification] = await adminSql`insert into public.notifications
    (tenant_id, kind, severity, message, subject_type, subject_id)
    values (${tenantId}, 'sample.made', 'info', 'Sample', 'sample', '1') returning id`;
  const [synced] =
    await sql`insert into public.integration_connectors (tenant_id, org_id, type, name, status, config)
    values (${tenantId}, ${orgId}, 'api', 'Synced', 'active', '{}') returning id`;
  const [syncRun] =
    await adminSql`insert into public.sync_runs (tenant_id, org_id, connector_id, mode, trigger, function_name, trace_id, next_slice_at)
    values (${tenantId}, ${orgId}, ${
      synced!.id
    }, 'full', 'user', 'api-sync', 'sample', now() + interval '1 day') returning id`;
  const [syncCursor] =
    await adminSql`insert into public.sync_cursors (tenant_id, connector_id, stream) values (${tenantId}, ${
      synced!.id
    }, 'sample') returning id`;
  const [apiRecord] =
    await adminSql`insert into public.api_records (tenant_id, org_id, connector_id, stream, external_id, data, content_hash)
    values (${tenantId}, ${orgId}, ${
      synced!.id
    }, 'sample', ${`sample/${unique()}`}, '{}', 'sample') returning id`;
  const [audit] =
    await sql`select id from public.audit_log where tenant_id = ${tenantId} order by id desc limit 1`;

  const byId = (row: { id?: unknown } | undefined) => `id=eq.${row!.id}`;
  const base = { tenant_id: tenantId };
  const inOrg = { ...base, org_id: orgId };
  const event_ = {
    ...inOrg,
    event_type: "sample.made",
    entity_type: "sample",
    entity_id: "1",
    payload: {},
    source: "sample",
    trace_id: "sample",
  };
  return {
    tenants: {
      filter: `id=eq.${tenantId}`,
      change: { name: "Changed" },
      row: { name: "New", slug: unique() },
    },
    role: {
      filter: `tenant_id=eq.${tenantId}&name=eq.member`,
      change: { rank: 1 },
      row: { ...base, name: "owner", rank: 4, permissions: [] },
    },
    orgs: { filter: `id=eq.${orgId}`, change: { name: unique() }, row: { ...base, name: unique() } },
    tenant_members: {
      filter: `tenant_id=eq.${tenantId}&user_id=eq.${manager.id}`,
      change: { org_id: org!.id },
      row: { ...base, user_id: newcomer.id, role: "member", org_id: org!.id },
    },
    clients: { filter: byId(client), change: { name: "Changed" }, row: { ...inOrg, name: "New" } },
    member_client_access: {
      filter: `tenant_id=eq.${tenantId}&client_id=eq.${client!.id}`,
      change: { access: "read" },
      row: { ...base, user_id: tenant.users.member.id, client_id: spare!.id, access: "read" },
    },
    tenant_settings: { filter: `tenant_id=eq.${tenantId}`, change: { log_retention_days: 30 }, row: base },
    audit_log: {
      filter: byId(audit),
      change: { table_name: "x" },
      row: { ...base, actor_role: "x", action: "insert", table_name: "x", row_key: {}, changes: {} },
    },
    integration_connectors: {
      filter: byId(connector),
      change: { name: "Changed" },
      row: { ...inOrg, type: "slack", name: "New" },
    },
    connector_accounts: {
      filter: byId(account),
      change: { account_id: unique() },
      row: { ...base, connector_id: connector!.id, provider: "hubspot", account_id: unique() },
    },
    connector_states: {
      filter: `connector_id=eq.${connector!.id}`,
      change: { failures_in_a_row: 0 },
      row: { ...inOrg, connector_id: connector!.id },
    },
    sync_runs: {
      filter: byId(syncRun),
      change: { error: "x" },
      row: {
        ...inOrg,
        connector_id: connector!.id,
        mode: "full",
        trigger: "user",
        function_name: "x",
        trace_id: "x",
      },
    },
    api_records: {
      filter: byId(apiRecord),
      change: { data: {} },
      row: {
        ...inOrg,
        connector_id: connector!.id,
        stream: "x",
        external_id: unique(),
        content_hash: "x",
      },
    },
    sync_cursors: {
      filter: byId(syncCursor),
      change: { stream: "x" },
      row: { ...base, connector_id: connector!.id, stream: "x" },
    },
    slack_conversations: {
      filter: byId(conversation),
      change: { name: "Changed" },
      row: { ...inOrg, connector_id: connector!.id, external_id: unique(), content_hash: "x" },
    },
    slack_messages: {
      filter: byId(said),
      change: { text: "Changed" },
      row: { ...inOrg, connector_id: connector!.id, external_id: unique(), content_hash: "x" },
    },
    google_drive_files: await syncedSample("google_drive_files"),
    gmail_messages: await syncedSample("gmail_messages"),
    google_calendar_events: await syncedSample("google_calendar_events"),
    integration_logs: {
      filter: byId(log),
      change: { message: "x" },
      row: { ...inOrg, event_type: "x", status: "success" },
    },
    odoo_departments: {
      filter: byId(department),
      change: { name: "x" },
      row: { ...inOrg, connector_id: connector!.id, external_id: unique(), content_hash: "x" },
    },
    odoo_employees: {
      filter: byId(employee),
      change: { name: "x" },
      row: { ...inOrg, connector_id: connector!.id, external_id: unique(), content_hash: "x" },
    },
    integration_webhooks: {
      filter: `id=eq.${webhookId}`,
      change: { name: "Changed" },
      row: { ...inOrg, provider: "hubspot", name: "New", secret_ref: unique() },
    },
    webhook_receipts: {
      filter: `id=eq.${receiptId}`,
      change: { provider: "x" },
      row: {
        ...inOrg,
        id: unique(),
        webhook_id: webhookId,
        provider: "x",
        request_id: "x",
        body_bytes: 1,
        event_count: 1,
        duplicate_count: 0,
      },
    },
    webhook_receipt_bodies: {
      filter: `receipt_id=eq.${receiptId}`,
      change: { headers: "{}" },
      row: { ...base, receipt_id: unique(), headers: "{}", body: "x" },
    },
    integration_events_outbox: { filter: byId(event), change: { source: "x" }, row: event_ },
    event_dispatches: {
      filter: byId(dispatch),
      change: { last_error: "x" },
      row: { ...inOrg, event_id: event!.id, consumer: "x" },
    },
    identity_external_id_map: {
      filter: byId(identity),
      change: { external_id: unique() },
      row: {
        ...base,
        provider: "x",
        external_type: "x",
        external_id: unique(),
        internal_type: "x",
        internal_id: unique(),
      },
    },
    crm_contacts: {
      filter: byId(contact),
      change: { email: "changed@example.com" },
      row: { ...inOrg, client_id: client!.id, email: "new@example.com" },
    },
    crm_activities: {
      filter: byId(activity),
      change: { subject: "x" },
      row: { ...inOrg, contact_id: contact!.id, type: "new" },
    },
    cmo_campaigns: { filter: byId(campaign), change: { goal: "x" }, row: { ...inOrg, name: "New" } },
    campaign_emails: {
      filter: byId(mail),
      change: { subject: "x" },
      row: { ...base, campaign_id: campaign!.id, subject: "New" },
    },
    campaign_optimizations: {
      filter: byId(optimization),
      change: { reason: "x" },
      row: { ...base, campaign_id: campaign!.id, changes },
    },
    cmo_recommendations: {
      filter: byId(recommendation),
      change: { reason: "x" },
      row: { ...base, campaign_id: campaign!.id, changes },
    },
    email_events: {
      filter: byId(mailEvent),
      change: { event_type: "x" },
      row: { ...base, provider_message_id: unique(), event_type: "open" },
    },
    agent_runs: { filter: byId(run), change: { error: "x" }, row: { ...base, agent: unique() } },
    guardian_meta_integrations: {
      filter: byId(integration),
      change: { label: "Changed" },
      row: {
        ...base,
        integration_key: unique(),
        label: "New",
        config: { webhook_url: "https://example.com" },
        scopes: ["readiness"],
        secret_ref: unique(),
      },
    },
    guardian_meta_webhook_events: {
      filter: byId(delivery),
      change: { last_error: "x" },
      row: { ...base, integration_id: integration!.id, event_type: "test" },
    },
    guardian_meta_webhook_attempts: {
      filter: `delivery_id=eq.${tried!.delivery_id}`,
      change: { outcome: "lost" },
      row: {
        ...base,
        integration_id: integration!.id,
        delivery_id: delivery!.id,
        attempt: 1001,
        outcome: "failed",
        started_at: new Date().toISOString(),
      },
    },
    event_subscriptions: {
      filter: byId(subscription),
      change: { label: "Changed" },
      row: {
        ...inOrg,
        label: "New",
        event_types: ["*"],
        config: { webhook_url: "https://example.com" },
        secret_ref: unique(),
      },
    },
    event_deliveries: {
      filter: byId(eventDelivery),
      change: { last_error: "x" },
      row: { ...inOrg, integration_id: subscription!.id, event_type: "test" },
    },
    event_delivery_attempts: {
      filter: `delivery_id=eq.${eventDelivery!.id}`,
      change: { outcome: "lost" },
      row: {
        ...base,
        integration_id: subscription!.id,
        delivery_id: eventDelivery!.id,
        attempt: 1001,
        outcome: "failed",
        started_at: new Date().toISOString(),
      },
    },
    delivery_replays: {
      filter: byId(replay),
      change: { state: "done" },
      row: {
        ...inOrg,
        kind: "event",
        mode: "replay",
        filter: {},
        phase: "log",
        total: 0,
        total_is_exact: true,
      },
    },
    notifications: {
      filter: byId(notification),
      change: { message: "x" },
      row: {
        ...base,
        kind: "sample.made",
        severity: "info",
        message: "New",
        subject_type: "s",
        subject_id: "1",
      },
    },
    guardian_readiness_snapshots: {
      filter: byId(snapshot),
      change: { overall_score: 51 },
      row: { ...base, overall_score: 52, band: "emerging" },
    },
    ...await createGuardianSamples(tenantId),
    monitoring_cross_tenant_violations: { filter: `tenant_id=eq.${tenantId}`, change: {}, row: {} },
    monitoring_duplicate_idempotency_keys: { filter: `tenant_id=eq.${tenantId}`, change: {}, row: {} },
    monitoring_ai_changes_24h: { filter: `campaign_id=eq.${campaign!.id}`, change: {}, row: {} },
  };
}
