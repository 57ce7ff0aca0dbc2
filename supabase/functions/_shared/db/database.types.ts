// Written by `deno task types` from the migrations. Do not edit.
// deno-lint-ignore-file
export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  "public": {
    Tables: {
      "agent_runs": {
        Row: {
          "agent": string;
          "error": string | null;
          "finished_at": string | null;
          "heartbeat_at": string;
          "id": string;
          "started_at": string;
          "status": string;
          "summary": NonNullable<Json>;
          "tenant_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "agent": string;
          "error"?: string | null;
          "finished_at"?: string | null;
          "heartbeat_at"?: string;
          "id"?: string;
          "started_at"?: string;
          "status"?: string;
          "summary"?: NonNullable<Json>;
          "tenant_id"?: string | null;
        };
        Update: {
          "agent"?: string;
          "error"?: string | null;
          "finished_at"?: string | null;
          "heartbeat_at"?: string;
          "id"?: string;
          "started_at"?: string;
          "status"?: string;
          "summary"?: NonNullable<Json>;
          "tenant_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "agent_runs_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "api_records": {
        Row: {
          "connector_id": string;
          "content_hash": string;
          "data": Json | null;
          "deleted_at": string | null;
          "external_id": string;
          "first_synced_at": string;
          "id": string;
          "last_synced_at": string;
          "org_id": string | null;
          "provider_updated_at": string | null;
          "record_id": string | null;
          "seen_pass": string | null;
          "stream": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "connector_id": string;
          "content_hash": string;
          "data"?: Json | null;
          "deleted_at"?: string | null;
          "external_id": string;
          "first_synced_at"?: string;
          "id"?: string;
          "last_synced_at"?: string;
          "org_id"?: string | null;
          "provider_updated_at"?: string | null;
          "record_id"?: string | null;
          "seen_pass"?: string | null;
          "stream": string;
          "tenant_id": string;
        };
        Update: {
          "connector_id"?: string;
          "content_hash"?: string;
          "data"?: Json | null;
          "deleted_at"?: string | null;
          "external_id"?: string;
          "first_synced_at"?: string;
          "id"?: string;
          "last_synced_at"?: string;
          "org_id"?: string | null;
          "provider_updated_at"?: string | null;
          "record_id"?: string | null;
          "seen_pass"?: string | null;
          "stream"?: string;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "api_records_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "api_records_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "audit_log": {
        Row: {
          "action": string;
          "actor_id": string | null;
          "actor_role": string;
          "changes": NonNullable<Json>;
          "created_at": string;
          "id": number;
          "request_id": string | null;
          "row_key": NonNullable<Json>;
          "table_name": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "action": string;
          "actor_id"?: string | null;
          "actor_role": string;
          "changes": NonNullable<Json>;
          "created_at"?: string;
          "id"?: never;
          "request_id"?: string | null;
          "row_key": NonNullable<Json>;
          "table_name": string;
          "tenant_id": string;
        };
        Update: {
          "action"?: string;
          "actor_id"?: string | null;
          "actor_role"?: string;
          "changes"?: NonNullable<Json>;
          "created_at"?: string;
          "id"?: never;
          "request_id"?: string | null;
          "row_key"?: NonNullable<Json>;
          "table_name"?: string;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "audit_log_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "campaign_emails": {
        Row: {
          "body_html": string;
          "campaign_id": string;
          "created_at": string;
          "id": string;
          "preheader": string | null;
          "send_at": string | null;
          "subject": string;
          "tenant_id": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "body_html"?: string;
          "campaign_id": string;
          "created_at"?: string;
          "id"?: string;
          "preheader"?: string | null;
          "send_at"?: string | null;
          "subject": string;
          "tenant_id": string;
          "updated_at"?: string;
        };
        Update: {
          "body_html"?: string;
          "campaign_id"?: string;
          "created_at"?: string;
          "id"?: string;
          "preheader"?: string | null;
          "send_at"?: string | null;
          "subject"?: string;
          "tenant_id"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "campaign_emails_campaign_fkey";
            columns: ["tenant_id", "campaign_id"];
            isOneToOne: false;
            referencedRelation: "cmo_campaigns";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "campaign_emails_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "campaign_optimizations": {
        Row: {
          "campaign_id": string;
          "changes": NonNullable<Json>;
          "created_at": string;
          "id": string;
          "reason": string | null;
          "rolled_back_at": string | null;
          "rolled_back_by": string | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "campaign_id": string;
          "changes": NonNullable<Json>;
          "created_at"?: string;
          "id"?: string;
          "reason"?: string | null;
          "rolled_back_at"?: string | null;
          "rolled_back_by"?: string | null;
          "tenant_id": string;
        };
        Update: {
          "campaign_id"?: string;
          "changes"?: NonNullable<Json>;
          "created_at"?: string;
          "id"?: string;
          "reason"?: string | null;
          "rolled_back_at"?: string | null;
          "rolled_back_by"?: string | null;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "campaign_optimizations_campaign_fkey";
            columns: ["tenant_id", "campaign_id"];
            isOneToOne: false;
            referencedRelation: "cmo_campaigns";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "campaign_optimizations_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "clients": {
        Row: {
          "created_at": string;
          "id": string;
          "name": string;
          "org_id": string | null;
          "tenant_id": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "id"?: string;
          "name": string;
          "org_id"?: string | null;
          "tenant_id": string;
          "updated_at"?: string;
        };
        Update: {
          "created_at"?: string;
          "id"?: string;
          "name"?: string;
          "org_id"?: string | null;
          "tenant_id"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "clients_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "clients_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "cmo_campaigns": {
        Row: {
          "budget": number | null;
          "created_at": string;
          "goal": string | null;
          "id": string;
          "name": string;
          "org_id": string | null;
          "status": string;
          "tenant_id": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "budget"?: number | null;
          "created_at"?: string;
          "goal"?: string | null;
          "id"?: string;
          "name": string;
          "org_id"?: string | null;
          "status"?: string;
          "tenant_id": string;
          "updated_at"?: string;
        };
        Update: {
          "budget"?: number | null;
          "created_at"?: string;
          "goal"?: string | null;
          "id"?: string;
          "name"?: string;
          "org_id"?: string | null;
          "status"?: string;
          "tenant_id"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "cmo_campaigns_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "cmo_campaigns_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "cmo_recommendations": {
        Row: {
          "campaign_id": string;
          "changes": NonNullable<Json>;
          "created_at": string;
          "decided_at": string | null;
          "decided_by": string | null;
          "id": string;
          "reason": string | null;
          "status": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "campaign_id": string;
          "changes": NonNullable<Json>;
          "created_at"?: string;
          "decided_at"?: string | null;
          "decided_by"?: string | null;
          "id"?: string;
          "reason"?: string | null;
          "status"?: string;
          "tenant_id": string;
        };
        Update: {
          "campaign_id"?: string;
          "changes"?: NonNullable<Json>;
          "created_at"?: string;
          "decided_at"?: string | null;
          "decided_by"?: string | null;
          "id"?: string;
          "reason"?: string | null;
          "status"?: string;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "cmo_recommendations_campaign_fkey";
            columns: ["tenant_id", "campaign_id"];
            isOneToOne: false;
            referencedRelation: "cmo_campaigns";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "cmo_recommendations_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "connector_accounts": {
        Row: {
          "account_id": string;
          "connector_id": string;
          "created_at": string;
          "id": string;
          "provider": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "account_id": string;
          "connector_id": string;
          "created_at"?: string;
          "id"?: string;
          "provider": string;
          "tenant_id": string;
        };
        Update: {
          "account_id"?: string;
          "connector_id"?: string;
          "created_at"?: string;
          "id"?: string;
          "provider"?: string;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "connector_accounts_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "connector_accounts_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "connector_states": {
        Row: {
          "connector_id": string;
          "failures_in_a_row": number;
          "last_check_passed": boolean | null;
          "last_checked_at": string | null;
          "last_run_id": string | null;
          "last_sync_at": string | null;
          "last_sync_status": string | null;
          "next_sync_at": string | null;
          "org_id": string | null;
          "tenant_id": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "connector_id": string;
          "failures_in_a_row"?: number;
          "last_check_passed"?: boolean | null;
          "last_checked_at"?: string | null;
          "last_run_id"?: string | null;
          "last_sync_at"?: string | null;
          "last_sync_status"?: string | null;
          "next_sync_at"?: string | null;
          "org_id"?: string | null;
          "tenant_id": string;
          "updated_at"?: string;
        };
        Update: {
          "connector_id"?: string;
          "failures_in_a_row"?: number;
          "last_check_passed"?: boolean | null;
          "last_checked_at"?: string | null;
          "last_run_id"?: string | null;
          "last_sync_at"?: string | null;
          "last_sync_status"?: string | null;
          "next_sync_at"?: string | null;
          "org_id"?: string | null;
          "tenant_id"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "connector_states_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "connector_states_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "crm_activities": {
        Row: {
          "contact_id": string | null;
          "created_at": string;
          "id": string;
          "meta": NonNullable<Json>;
          "occurred_at": string;
          "org_id": string | null;
          "subject": string | null;
          "tenant_id": string;
          "type": string;
        };
        ComputedFields: never;
        Insert: {
          "contact_id"?: string | null;
          "created_at"?: string;
          "id"?: string;
          "meta"?: NonNullable<Json>;
          "occurred_at"?: string;
          "org_id"?: string | null;
          "subject"?: string | null;
          "tenant_id": string;
          "type": string;
        };
        Update: {
          "contact_id"?: string | null;
          "created_at"?: string;
          "id"?: string;
          "meta"?: NonNullable<Json>;
          "occurred_at"?: string;
          "org_id"?: string | null;
          "subject"?: string | null;
          "tenant_id"?: string;
          "type"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "crm_activities_contact_fkey";
            columns: ["tenant_id", "contact_id"];
            isOneToOne: false;
            referencedRelation: "crm_contacts";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "crm_activities_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "crm_activities_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "crm_contacts": {
        Row: {
          "client_id": string | null;
          "created_at": string;
          "deleted_at": string | null;
          "email": string | null;
          "field_versions": NonNullable<Json>;
          "first_name": string | null;
          "id": string;
          "last_name": string | null;
          "org_id": string | null;
          "phone": string | null;
          "properties": NonNullable<Json>;
          "source": string;
          "tenant_id": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "client_id"?: string | null;
          "created_at"?: string;
          "deleted_at"?: string | null;
          "email"?: string | null;
          "field_versions"?: NonNullable<Json>;
          "first_name"?: string | null;
          "id"?: string;
          "last_name"?: string | null;
          "org_id"?: string | null;
          "phone"?: string | null;
          "properties"?: NonNullable<Json>;
          "source"?: string;
          "tenant_id": string;
          "updated_at"?: string;
        };
        Update: {
          "client_id"?: string | null;
          "created_at"?: string;
          "deleted_at"?: string | null;
          "email"?: string | null;
          "field_versions"?: NonNullable<Json>;
          "first_name"?: string | null;
          "id"?: string;
          "last_name"?: string | null;
          "org_id"?: string | null;
          "phone"?: string | null;
          "properties"?: NonNullable<Json>;
          "source"?: string;
          "tenant_id"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "crm_contacts_client_fkey";
            columns: ["tenant_id", "client_id"];
            isOneToOne: false;
            referencedRelation: "clients";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "crm_contacts_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "crm_contacts_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "delivery_replays": {
        Row: {
          "advanced_at": string;
          "created_at": string;
          "created_by": string | null;
          "done": number;
          "error_count": number;
          "examined": number;
          "filter": NonNullable<Json>;
          "finished_at": string | null;
          "id": string;
          "integration_id": string | null;
          "kind": string;
          "last_error": string | null;
          "mode": string;
          "org_id": string | null;
          "phase": string;
          "position": Json | null;
          "state": string;
          "tenant_id": string;
          "total": number;
          "total_is_exact": boolean;
        };
        ComputedFields: never;
        Insert: {
          "advanced_at"?: string;
          "created_at"?: string;
          "created_by"?: string | null;
          "done"?: number;
          "error_count"?: number;
          "examined"?: number;
          "filter": NonNullable<Json>;
          "finished_at"?: string | null;
          "id"?: string;
          "integration_id"?: string | null;
          "kind": string;
          "last_error"?: string | null;
          "mode": string;
          "org_id"?: string | null;
          "phase": string;
          "position"?: Json | null;
          "state"?: string;
          "tenant_id": string;
          "total": number;
          "total_is_exact": boolean;
        };
        Update: {
          "advanced_at"?: string;
          "created_at"?: string;
          "created_by"?: string | null;
          "done"?: number;
          "error_count"?: number;
          "examined"?: number;
          "filter"?: NonNullable<Json>;
          "finished_at"?: string | null;
          "id"?: string;
          "integration_id"?: string | null;
          "kind"?: string;
          "last_error"?: string | null;
          "mode"?: string;
          "org_id"?: string | null;
          "phase"?: string;
          "position"?: Json | null;
          "state"?: string;
          "tenant_id"?: string;
          "total"?: number;
          "total_is_exact"?: boolean;
        };
        Relationships: [
          {
            foreignKeyName: "delivery_replays_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "delivery_replays_tenant_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "email_events": {
        Row: {
          "campaign_id": string | null;
          "created_at": string;
          "event_type": string;
          "id": number;
          "occurred_at": string;
          "provider_message_id": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "campaign_id"?: string | null;
          "created_at"?: string;
          "event_type": string;
          "id"?: never;
          "occurred_at"?: string;
          "provider_message_id": string;
          "tenant_id": string;
        };
        Update: {
          "campaign_id"?: string | null;
          "created_at"?: string;
          "event_type"?: string;
          "id"?: never;
          "occurred_at"?: string;
          "provider_message_id"?: string;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "email_events_campaign_fkey";
            columns: ["tenant_id", "campaign_id"];
            isOneToOne: false;
            referencedRelation: "cmo_campaigns";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "email_events_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "event_deliveries": {
        Row: {
          "attempt_count": number;
          "created_at": string;
          "event_id": string | null;
          "event_type": string;
          "finished_at": string | null;
          "first_attempt_at": string | null;
          "id": string;
          "integration_id": string;
          "last_attempt_at": string | null;
          "last_error": string | null;
          "last_error_class": string | null;
          "last_status_code": number | null;
          "metadata": NonNullable<Json>;
          "next_attempt_at": string | null;
          "org_id": string | null;
          "replays": number;
          "status": string;
          "tenant_id": string;
          "payload": Json | null;
        };
        ComputedFields: "payload";
        Insert: {
          "attempt_count"?: number;
          "created_at"?: string;
          "event_id"?: string | null;
          "event_type": string;
          "finished_at"?: string | null;
          "first_attempt_at"?: string | null;
          "id"?: string;
          "integration_id": string;
          "last_attempt_at"?: string | null;
          "last_error"?: string | null;
          "last_error_class"?: string | null;
          "last_status_code"?: number | null;
          "metadata"?: NonNullable<Json>;
          "next_attempt_at"?: string | null;
          "org_id"?: string | null;
          "replays"?: number;
          "status"?: string;
          "tenant_id": string;
        };
        Update: {
          "attempt_count"?: number;
          "created_at"?: string;
          "event_id"?: string | null;
          "event_type"?: string;
          "finished_at"?: string | null;
          "first_attempt_at"?: string | null;
          "id"?: string;
          "integration_id"?: string;
          "last_attempt_at"?: string | null;
          "last_error"?: string | null;
          "last_error_class"?: string | null;
          "last_status_code"?: number | null;
          "metadata"?: NonNullable<Json>;
          "next_attempt_at"?: string | null;
          "org_id"?: string | null;
          "replays"?: number;
          "status"?: string;
          "tenant_id"?: string;
        };
        Relationships: [];
      };
      "event_delivery_attempts": {
        Row: {
          "attempt": number;
          "batch_id": string | null;
          "delivery_id": string;
          "duration_ms": number | null;
          "error_class": string | null;
          "integration_id": string;
          "outcome": string;
          "request_body": string | null;
          "response_excerpt": string | null;
          "started_at": string;
          "status_code": number | null;
          "tenant_id": string;
          "timing": Json | null;
        };
        ComputedFields: never;
        Insert: {
          "attempt": number;
          "batch_id"?: string | null;
          "delivery_id": string;
          "duration_ms"?: number | null;
          "error_class"?: string | null;
          "integration_id": string;
          "outcome": string;
          "request_body"?: string | null;
          "response_excerpt"?: string | null;
          "started_at": string;
          "status_code"?: number | null;
          "tenant_id": string;
          "timing"?: Json | null;
        };
        Update: {
          "attempt"?: number;
          "batch_id"?: string | null;
          "delivery_id"?: string;
          "duration_ms"?: number | null;
          "error_class"?: string | null;
          "integration_id"?: string;
          "outcome"?: string;
          "request_body"?: string | null;
          "response_excerpt"?: string | null;
          "started_at"?: string;
          "status_code"?: number | null;
          "tenant_id"?: string;
          "timing"?: Json | null;
        };
        Relationships: [];
      };
      "event_dispatches": {
        Row: {
          "attempts": number;
          "consumer": string;
          "created_at": string;
          "event_id": string;
          "finished_at": string | null;
          "id": number;
          "last_error": string | null;
          "last_error_code": string | null;
          "lease_token": string | null;
          "lease_until": string | null;
          "max_attempts": number;
          "next_attempt_at": string;
          "org_id": string | null;
          "replays": number;
          "status": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "attempts"?: number;
          "consumer": string;
          "created_at"?: string;
          "event_id": string;
          "finished_at"?: string | null;
          "id"?: never;
          "last_error"?: string | null;
          "last_error_code"?: string | null;
          "lease_token"?: string | null;
          "lease_until"?: string | null;
          "max_attempts"?: number;
          "next_attempt_at"?: string;
          "org_id"?: string | null;
          "replays"?: number;
          "status"?: string;
          "tenant_id": string;
        };
        Update: {
          "attempts"?: number;
          "consumer"?: string;
          "created_at"?: string;
          "event_id"?: string;
          "finished_at"?: string | null;
          "id"?: never;
          "last_error"?: string | null;
          "last_error_code"?: string | null;
          "lease_token"?: string | null;
          "lease_until"?: string | null;
          "max_attempts"?: number;
          "next_attempt_at"?: string;
          "org_id"?: string | null;
          "replays"?: number;
          "status"?: string;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "event_dispatches_event_fkey";
            columns: ["tenant_id", "event_id"];
            isOneToOne: false;
            referencedRelation: "integration_events_outbox";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "event_subscriptions": {
        Row: {
          "config": NonNullable<Json>;
          "config_version": number;
          "connector_id": string | null;
          "created_at": string;
          "created_by": string | null;
          "description": string | null;
          "disabled_at": string | null;
          "disabled_reason": string | null;
          "event_types": (string)[];
          "failing_since": string | null;
          "filter": Json | null;
          "filter_path": unknown;
          "flow": string;
          "headers_ref": string | null;
          "id": string;
          "is_enabled": boolean;
          "label": string;
          "last_synced_at": string | null;
          "metadata": NonNullable<Json>;
          "org_id": string | null;
          "previous_secret_expires_at": string | null;
          "previous_secret_ref": string | null;
          "public_key": string | null;
          "secret_ref": string;
          "tenant_id": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "config": NonNullable<Json>;
          "config_version"?: number;
          "connector_id"?: string | null;
          "created_at"?: string;
          "created_by"?: string | null;
          "description"?: string | null;
          "disabled_at"?: string | null;
          "disabled_reason"?: string | null;
          "event_types": (string)[];
          "failing_since"?: string | null;
          "filter"?: Json | null;
          "filter_path"?: unknown;
          "flow"?: string;
          "headers_ref"?: string | null;
          "id"?: string;
          "is_enabled"?: boolean;
          "label": string;
          "last_synced_at"?: string | null;
          "metadata"?: NonNullable<Json>;
          "org_id"?: string | null;
          "previous_secret_expires_at"?: string | null;
          "previous_secret_ref"?: string | null;
          "public_key"?: string | null;
          "secret_ref": string;
          "tenant_id": string;
          "updated_at"?: string;
        };
        Update: {
          "config"?: NonNullable<Json>;
          "config_version"?: number;
          "connector_id"?: string | null;
          "created_at"?: string;
          "created_by"?: string | null;
          "description"?: string | null;
          "disabled_at"?: string | null;
          "disabled_reason"?: string | null;
          "event_types"?: (string)[];
          "failing_since"?: string | null;
          "filter"?: Json | null;
          "filter_path"?: unknown;
          "flow"?: string;
          "headers_ref"?: string | null;
          "id"?: string;
          "is_enabled"?: boolean;
          "label"?: string;
          "last_synced_at"?: string | null;
          "metadata"?: NonNullable<Json>;
          "org_id"?: string | null;
          "previous_secret_expires_at"?: string | null;
          "previous_secret_ref"?: string | null;
          "public_key"?: string | null;
          "secret_ref"?: string;
          "tenant_id"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "event_subscriptions_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "event_subscriptions_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "event_subscriptions_tenant_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "gmail_messages": {
        Row: {
          "connector_id": string;
          "content_hash": string;
          "deleted_at": string | null;
          "external_id": string;
          "first_synced_at": string;
          "history_id": string | null;
          "id": string;
          "label_ids": Json | null;
          "last_synced_at": string;
          "org_id": string | null;
          "received_at": string | null;
          "recipients": string | null;
          "seen_pass": string | null;
          "sender": string | null;
          "size_bytes": number | null;
          "snippet": string | null;
          "subject": string | null;
          "tenant_id": string;
          "thread_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "connector_id": string;
          "content_hash": string;
          "deleted_at"?: string | null;
          "external_id": string;
          "first_synced_at"?: string;
          "history_id"?: string | null;
          "id"?: string;
          "label_ids"?: Json | null;
          "last_synced_at"?: string;
          "org_id"?: string | null;
          "received_at"?: string | null;
          "recipients"?: string | null;
          "seen_pass"?: string | null;
          "sender"?: string | null;
          "size_bytes"?: number | null;
          "snippet"?: string | null;
          "subject"?: string | null;
          "tenant_id": string;
          "thread_id"?: string | null;
        };
        Update: {
          "connector_id"?: string;
          "content_hash"?: string;
          "deleted_at"?: string | null;
          "external_id"?: string;
          "first_synced_at"?: string;
          "history_id"?: string | null;
          "id"?: string;
          "label_ids"?: Json | null;
          "last_synced_at"?: string;
          "org_id"?: string | null;
          "received_at"?: string | null;
          "recipients"?: string | null;
          "seen_pass"?: string | null;
          "sender"?: string | null;
          "size_bytes"?: number | null;
          "snippet"?: string | null;
          "subject"?: string | null;
          "tenant_id"?: string;
          "thread_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "gmail_messages_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "gmail_messages_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "google_calendar_events": {
        Row: {
          "calendar_id": string | null;
          "connector_id": string;
          "content_hash": string;
          "deleted_at": string | null;
          "end_date": string | null;
          "ends_at": string | null;
          "event_id": string | null;
          "event_updated_at": string | null;
          "external_id": string;
          "first_synced_at": string;
          "ical_uid": string | null;
          "id": string;
          "is_all_day": boolean | null;
          "last_synced_at": string;
          "location": string | null;
          "org_id": string | null;
          "organizer_email": string | null;
          "recurrence": Json | null;
          "recurring_event_id": string | null;
          "seen_pass": string | null;
          "start_date": string | null;
          "starts_at": string | null;
          "status": string | null;
          "summary": string | null;
          "tenant_id": string;
          "time_zone": string | null;
          "web_link": string | null;
        };
        ComputedFields: never;
        Insert: {
          "calendar_id"?: string | null;
          "connector_id": string;
          "content_hash": string;
          "deleted_at"?: string | null;
          "end_date"?: string | null;
          "ends_at"?: string | null;
          "event_id"?: string | null;
          "event_updated_at"?: string | null;
          "external_id": string;
          "first_synced_at"?: string;
          "ical_uid"?: string | null;
          "id"?: string;
          "is_all_day"?: boolean | null;
          "last_synced_at"?: string;
          "location"?: string | null;
          "org_id"?: string | null;
          "organizer_email"?: string | null;
          "recurrence"?: Json | null;
          "recurring_event_id"?: string | null;
          "seen_pass"?: string | null;
          "start_date"?: string | null;
          "starts_at"?: string | null;
          "status"?: string | null;
          "summary"?: string | null;
          "tenant_id": string;
          "time_zone"?: string | null;
          "web_link"?: string | null;
        };
        Update: {
          "calendar_id"?: string | null;
          "connector_id"?: string;
          "content_hash"?: string;
          "deleted_at"?: string | null;
          "end_date"?: string | null;
          "ends_at"?: string | null;
          "event_id"?: string | null;
          "event_updated_at"?: string | null;
          "external_id"?: string;
          "first_synced_at"?: string;
          "ical_uid"?: string | null;
          "id"?: string;
          "is_all_day"?: boolean | null;
          "last_synced_at"?: string;
          "location"?: string | null;
          "org_id"?: string | null;
          "organizer_email"?: string | null;
          "recurrence"?: Json | null;
          "recurring_event_id"?: string | null;
          "seen_pass"?: string | null;
          "start_date"?: string | null;
          "starts_at"?: string | null;
          "status"?: string | null;
          "summary"?: string | null;
          "tenant_id"?: string;
          "time_zone"?: string | null;
          "web_link"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "google_calendar_events_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "google_calendar_events_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "google_drive_files": {
        Row: {
          "connector_id": string;
          "content_hash": string;
          "deleted_at": string | null;
          "drive_id": string | null;
          "external_id": string;
          "file_created_at": string | null;
          "file_modified_at": string | null;
          "first_synced_at": string;
          "id": string;
          "last_synced_at": string;
          "md5_checksum": string | null;
          "mime_type": string | null;
          "name": string | null;
          "org_id": string | null;
          "owner_email": string | null;
          "owner_name": string | null;
          "parent_id": string | null;
          "seen_pass": string | null;
          "size_bytes": number | null;
          "tenant_id": string;
          "web_view_link": string | null;
        };
        ComputedFields: never;
        Insert: {
          "connector_id": string;
          "content_hash": string;
          "deleted_at"?: string | null;
          "drive_id"?: string | null;
          "external_id": string;
          "file_created_at"?: string | null;
          "file_modified_at"?: string | null;
          "first_synced_at"?: string;
          "id"?: string;
          "last_synced_at"?: string;
          "md5_checksum"?: string | null;
          "mime_type"?: string | null;
          "name"?: string | null;
          "org_id"?: string | null;
          "owner_email"?: string | null;
          "owner_name"?: string | null;
          "parent_id"?: string | null;
          "seen_pass"?: string | null;
          "size_bytes"?: number | null;
          "tenant_id": string;
          "web_view_link"?: string | null;
        };
        Update: {
          "connector_id"?: string;
          "content_hash"?: string;
          "deleted_at"?: string | null;
          "drive_id"?: string | null;
          "external_id"?: string;
          "file_created_at"?: string | null;
          "file_modified_at"?: string | null;
          "first_synced_at"?: string;
          "id"?: string;
          "last_synced_at"?: string;
          "md5_checksum"?: string | null;
          "mime_type"?: string | null;
          "name"?: string | null;
          "org_id"?: string | null;
          "owner_email"?: string | null;
          "owner_name"?: string | null;
          "parent_id"?: string | null;
          "seen_pass"?: string | null;
          "size_bytes"?: number | null;
          "tenant_id"?: string;
          "web_view_link"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "google_drive_files_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "google_drive_files_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "guardian_adoption_scores": {
        Row: {
          "computed_at": string;
          "created_at": string;
          "dimensions": NonNullable<Json>;
          "id": string;
          "metadata": NonNullable<Json>;
          "overall_score": number;
          "overall_status": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "computed_at"?: string;
          "created_at"?: string;
          "dimensions"?: NonNullable<Json>;
          "id"?: string;
          "metadata"?: NonNullable<Json>;
          "overall_score": number;
          "overall_status": string;
          "tenant_id": string;
        };
        Update: {
          "computed_at"?: string;
          "created_at"?: string;
          "dimensions"?: NonNullable<Json>;
          "id"?: string;
          "metadata"?: NonNullable<Json>;
          "overall_score"?: number;
          "overall_status"?: string;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "guardian_adoption_scores_tenant_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "guardian_edition_fits": {
        Row: {
          "computed_at": string;
          "created_at": string;
          "edition_key": string;
          "fit_score": number;
          "fit_status": string;
          "id": string;
          "label": string;
          "metadata": NonNullable<Json>;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "computed_at"?: string;
          "created_at"?: string;
          "edition_key": string;
          "fit_score": number;
          "fit_status": string;
          "id"?: string;
          "label": string;
          "metadata"?: NonNullable<Json>;
          "tenant_id": string;
        };
        Update: {
          "computed_at"?: string;
          "created_at"?: string;
          "edition_key"?: string;
          "fit_score"?: number;
          "fit_status"?: string;
          "id"?: string;
          "label"?: string;
          "metadata"?: NonNullable<Json>;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "guardian_edition_fits_tenant_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "guardian_executive_reports": {
        Row: {
          "created_at": string;
          "highlights_count": number;
          "id": string;
          "metadata": NonNullable<Json>;
          "overall_score": number | null;
          "period_end_on": string;
          "period_start_on": string;
          "report_type": string;
          "risks_count": number;
          "tenant_id": string;
          "title": string;
          "updated_at": string | null;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "highlights_count"?: number;
          "id"?: string;
          "metadata"?: NonNullable<Json>;
          "overall_score"?: number | null;
          "period_end_on": string;
          "period_start_on": string;
          "report_type": string;
          "risks_count"?: number;
          "tenant_id": string;
          "title": string;
          "updated_at"?: string | null;
        };
        Update: {
          "created_at"?: string;
          "highlights_count"?: number;
          "id"?: string;
          "metadata"?: NonNullable<Json>;
          "overall_score"?: number | null;
          "period_end_on"?: string;
          "period_start_on"?: string;
          "report_type"?: string;
          "risks_count"?: number;
          "tenant_id"?: string;
          "title"?: string;
          "updated_at"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "guardian_executive_reports_tenant_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "guardian_lifecycle_runs": {
        Row: {
          "completed_at": string | null;
          "created_at": string;
          "id": string;
          "items_archived": number;
          "items_deleted": number;
          "items_scanned": number;
          "metadata": NonNullable<Json>;
          "run_type": string;
          "started_at": string;
          "status": string;
          "tenant_id": string;
          "updated_at": string | null;
        };
        ComputedFields: never;
        Insert: {
          "completed_at"?: string | null;
          "created_at"?: string;
          "id"?: string;
          "items_archived"?: number;
          "items_deleted"?: number;
          "items_scanned"?: number;
          "metadata"?: NonNullable<Json>;
          "run_type": string;
          "started_at"?: string;
          "status"?: string;
          "tenant_id": string;
          "updated_at"?: string | null;
        };
        Update: {
          "completed_at"?: string | null;
          "created_at"?: string;
          "id"?: string;
          "items_archived"?: number;
          "items_deleted"?: number;
          "items_scanned"?: number;
          "metadata"?: NonNullable<Json>;
          "run_type"?: string;
          "started_at"?: string;
          "status"?: string;
          "tenant_id"?: string;
          "updated_at"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "guardian_lifecycle_runs_tenant_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "guardian_meta_integrations": {
        Row: {
          "config": NonNullable<Json>;
          "config_version": number;
          "connector_id": string | null;
          "created_at": string;
          "created_by": string | null;
          "description": string | null;
          "disabled_at": string | null;
          "disabled_reason": string | null;
          "failing_since": string | null;
          "flow": string;
          "headers_ref": string | null;
          "id": string;
          "integration_key": string;
          "is_enabled": boolean;
          "label": string;
          "last_synced_at": string | null;
          "metadata": NonNullable<Json>;
          "previous_secret_expires_at": string | null;
          "previous_secret_ref": string | null;
          "public_key": string | null;
          "scopes": (string)[];
          "secret_ref": string;
          "tenant_id": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "config": NonNullable<Json>;
          "config_version"?: number;
          "connector_id"?: string | null;
          "created_at"?: string;
          "created_by"?: string | null;
          "description"?: string | null;
          "disabled_at"?: string | null;
          "disabled_reason"?: string | null;
          "failing_since"?: string | null;
          "flow"?: string;
          "headers_ref"?: string | null;
          "id"?: string;
          "integration_key": string;
          "is_enabled"?: boolean;
          "label": string;
          "last_synced_at"?: string | null;
          "metadata"?: NonNullable<Json>;
          "previous_secret_expires_at"?: string | null;
          "previous_secret_ref"?: string | null;
          "public_key"?: string | null;
          "scopes": (string)[];
          "secret_ref": string;
          "tenant_id": string;
          "updated_at"?: string;
        };
        Update: {
          "config"?: NonNullable<Json>;
          "config_version"?: number;
          "connector_id"?: string | null;
          "created_at"?: string;
          "created_by"?: string | null;
          "description"?: string | null;
          "disabled_at"?: string | null;
          "disabled_reason"?: string | null;
          "failing_since"?: string | null;
          "flow"?: string;
          "headers_ref"?: string | null;
          "id"?: string;
          "integration_key"?: string;
          "is_enabled"?: boolean;
          "label"?: string;
          "last_synced_at"?: string | null;
          "metadata"?: NonNullable<Json>;
          "previous_secret_expires_at"?: string | null;
          "previous_secret_ref"?: string | null;
          "public_key"?: string | null;
          "scopes"?: (string)[];
          "secret_ref"?: string;
          "tenant_id"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "guardian_meta_integrations_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "guardian_meta_integrations_tenant_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "guardian_meta_webhook_attempts": {
        Row: {
          "attempt": number;
          "batch_id": string | null;
          "delivery_id": string;
          "duration_ms": number | null;
          "error_class": string | null;
          "integration_id": string;
          "outcome": string;
          "request_body": string | null;
          "response_excerpt": string | null;
          "started_at": string;
          "status_code": number | null;
          "tenant_id": string;
          "timing": Json | null;
        };
        ComputedFields: never;
        Insert: {
          "attempt": number;
          "batch_id"?: string | null;
          "delivery_id": string;
          "duration_ms"?: number | null;
          "error_class"?: string | null;
          "integration_id": string;
          "outcome": string;
          "request_body"?: string | null;
          "response_excerpt"?: string | null;
          "started_at": string;
          "status_code"?: number | null;
          "tenant_id": string;
          "timing"?: Json | null;
        };
        Update: {
          "attempt"?: number;
          "batch_id"?: string | null;
          "delivery_id"?: string;
          "duration_ms"?: number | null;
          "error_class"?: string | null;
          "integration_id"?: string;
          "outcome"?: string;
          "request_body"?: string | null;
          "response_excerpt"?: string | null;
          "started_at"?: string;
          "status_code"?: number | null;
          "tenant_id"?: string;
          "timing"?: Json | null;
        };
        Relationships: [];
      };
      "guardian_meta_webhook_events": {
        Row: {
          "attempt_count": number;
          "created_at": string;
          "event_id": string | null;
          "event_type": string;
          "finished_at": string | null;
          "first_attempt_at": string | null;
          "id": string;
          "integration_id": string;
          "last_attempt_at": string | null;
          "last_error": string | null;
          "last_error_class": string | null;
          "last_status_code": number | null;
          "metadata": NonNullable<Json>;
          "next_attempt_at": string | null;
          "replays": number;
          "status": string;
          "tenant_id": string;
          "payload": Json | null;
        };
        ComputedFields: "payload";
        Insert: {
          "attempt_count"?: number;
          "created_at"?: string;
          "event_id"?: string | null;
          "event_type": string;
          "finished_at"?: string | null;
          "first_attempt_at"?: string | null;
          "id"?: string;
          "integration_id": string;
          "last_attempt_at"?: string | null;
          "last_error"?: string | null;
          "last_error_class"?: string | null;
          "last_status_code"?: number | null;
          "metadata"?: NonNullable<Json>;
          "next_attempt_at"?: string | null;
          "replays"?: number;
          "status"?: string;
          "tenant_id": string;
        };
        Update: {
          "attempt_count"?: number;
          "created_at"?: string;
          "event_id"?: string | null;
          "event_type"?: string;
          "finished_at"?: string | null;
          "first_attempt_at"?: string | null;
          "id"?: string;
          "integration_id"?: string;
          "last_attempt_at"?: string | null;
          "last_error"?: string | null;
          "last_error_class"?: string | null;
          "last_status_code"?: number | null;
          "metadata"?: NonNullable<Json>;
          "next_attempt_at"?: string | null;
          "replays"?: number;
          "status"?: string;
          "tenant_id"?: string;
        };
        Relationships: [];
      };
      "guardian_readiness_snapshots": {
        Row: {
          "band": string;
          "computed_at": string;
          "created_at": string;
          "dimension_scores": NonNullable<Json>;
          "id": string;
          "metadata": NonNullable<Json>;
          "overall_score": number;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "band": string;
          "computed_at"?: string;
          "created_at"?: string;
          "dimension_scores"?: NonNullable<Json>;
          "id"?: string;
          "metadata"?: NonNullable<Json>;
          "overall_score": number;
          "tenant_id": string;
        };
        Update: {
          "band"?: string;
          "computed_at"?: string;
          "created_at"?: string;
          "dimension_scores"?: NonNullable<Json>;
          "id"?: string;
          "metadata"?: NonNullable<Json>;
          "overall_score"?: number;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "guardian_readiness_snapshots_tenant_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "guardian_uplift_plans": {
        Row: {
          "created_at": string;
          "dimension": string | null;
          "id": string;
          "metadata": NonNullable<Json>;
          "status": string;
          "target_score": number | null;
          "tenant_id": string;
          "title": string;
          "updated_at": string | null;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "dimension"?: string | null;
          "id"?: string;
          "metadata"?: NonNullable<Json>;
          "status"?: string;
          "target_score"?: number | null;
          "tenant_id": string;
          "title": string;
          "updated_at"?: string | null;
        };
        Update: {
          "created_at"?: string;
          "dimension"?: string | null;
          "id"?: string;
          "metadata"?: NonNullable<Json>;
          "status"?: string;
          "target_score"?: number | null;
          "tenant_id"?: string;
          "title"?: string;
          "updated_at"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "guardian_uplift_plans_tenant_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "guardian_uplift_tasks": {
        Row: {
          "completed_at": string | null;
          "created_at": string;
          "dimension": string | null;
          "id": string;
          "metadata": NonNullable<Json>;
          "plan_id": string;
          "priority": string;
          "status": string;
          "tenant_id": string;
          "title": string;
          "updated_at": string | null;
        };
        ComputedFields: never;
        Insert: {
          "completed_at"?: string | null;
          "created_at"?: string;
          "dimension"?: string | null;
          "id"?: string;
          "metadata"?: NonNullable<Json>;
          "plan_id": string;
          "priority"?: string;
          "status"?: string;
          "tenant_id": string;
          "title": string;
          "updated_at"?: string | null;
        };
        Update: {
          "completed_at"?: string | null;
          "created_at"?: string;
          "dimension"?: string | null;
          "id"?: string;
          "metadata"?: NonNullable<Json>;
          "plan_id"?: string;
          "priority"?: string;
          "status"?: string;
          "tenant_id"?: string;
          "title"?: string;
          "updated_at"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "guardian_uplift_tasks_plan_fkey";
            columns: ["tenant_id", "plan_id"];
            isOneToOne: false;
            referencedRelation: "guardian_uplift_plans";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "guardian_uplift_tasks_tenant_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "identity_external_id_map": {
        Row: {
          "created_at": string;
          "external_id": string;
          "external_type": string;
          "id": string;
          "internal_id": string;
          "internal_type": string;
          "provider": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "external_id": string;
          "external_type": string;
          "id"?: string;
          "internal_id": string;
          "internal_type": string;
          "provider": string;
          "tenant_id": string;
        };
        Update: {
          "created_at"?: string;
          "external_id"?: string;
          "external_type"?: string;
          "id"?: string;
          "internal_id"?: string;
          "internal_type"?: string;
          "provider"?: string;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "identity_external_id_map_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "integration_connectors": {
        Row: {
          "account_name": string | null;
          "config": NonNullable<Json>;
          "created_at": string;
          "created_by": string | null;
          "id": string;
          "last_error": string | null;
          "name": string;
          "org_id": string | null;
          "secret_ref": string | null;
          "status": string;
          "sync_interval_seconds": number | null;
          "tenant_id": string;
          "type": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "account_name"?: string | null;
          "config"?: NonNullable<Json>;
          "created_at"?: string;
          "created_by"?: string | null;
          "id"?: string;
          "last_error"?: string | null;
          "name": string;
          "org_id"?: string | null;
          "secret_ref"?: string | null;
          "status"?: string;
          "sync_interval_seconds"?: number | null;
          "tenant_id": string;
          "type": string;
          "updated_at"?: string;
        };
        Update: {
          "account_name"?: string | null;
          "config"?: NonNullable<Json>;
          "created_at"?: string;
          "created_by"?: string | null;
          "id"?: string;
          "last_error"?: string | null;
          "name"?: string;
          "org_id"?: string | null;
          "secret_ref"?: string | null;
          "status"?: string;
          "sync_interval_seconds"?: number | null;
          "tenant_id"?: string;
          "type"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "integration_connectors_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "integration_connectors_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "integration_events_outbox": {
        Row: {
          "actor": string | null;
          "created_at": string;
          "dedupe_key": string | null;
          "entity_id": string;
          "entity_type": string;
          "event_type": string;
          "id": string;
          "occurred_at": string;
          "org_id": string | null;
          "payload": NonNullable<Json>;
          "receipt_id": string | null;
          "source": string;
          "tenant_id": string;
          "trace_id": string;
          "webhook_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "actor"?: string | null;
          "created_at"?: string;
          "dedupe_key"?: string | null;
          "entity_id": string;
          "entity_type": string;
          "event_type": string;
          "id"?: string;
          "occurred_at"?: string;
          "org_id"?: string | null;
          "payload": NonNullable<Json>;
          "receipt_id"?: string | null;
          "source": string;
          "tenant_id": string;
          "trace_id": string;
          "webhook_id"?: string | null;
        };
        Update: {
          "actor"?: string | null;
          "created_at"?: string;
          "dedupe_key"?: string | null;
          "entity_id"?: string;
          "entity_type"?: string;
          "event_type"?: string;
          "id"?: string;
          "occurred_at"?: string;
          "org_id"?: string | null;
          "payload"?: NonNullable<Json>;
          "receipt_id"?: string | null;
          "source"?: string;
          "tenant_id"?: string;
          "trace_id"?: string;
          "webhook_id"?: string | null;
        };
        Relationships: [];
      };
      "integration_logs": {
        Row: {
          "connector_id": string | null;
          "created_at": string;
          "details": NonNullable<Json>;
          "duration_ms": number | null;
          "error_code": string | null;
          "event_type": string;
          "id": number;
          "message": string | null;
          "org_id": string | null;
          "request_id": string | null;
          "status": string;
          "tenant_id": string;
          "webhook_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "connector_id"?: string | null;
          "created_at"?: string;
          "details"?: NonNullable<Json>;
          "duration_ms"?: number | null;
          "error_code"?: string | null;
          "event_type": string;
          "id"?: never;
          "message"?: string | null;
          "org_id"?: string | null;
          "request_id"?: string | null;
          "status": string;
          "tenant_id": string;
          "webhook_id"?: string | null;
        };
        Update: {
          "connector_id"?: string | null;
          "created_at"?: string;
          "details"?: NonNullable<Json>;
          "duration_ms"?: number | null;
          "error_code"?: string | null;
          "event_type"?: string;
          "id"?: never;
          "message"?: string | null;
          "org_id"?: string | null;
          "request_id"?: string | null;
          "status"?: string;
          "tenant_id"?: string;
          "webhook_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "integration_logs_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "integration_logs_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "integration_logs_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "integration_webhooks": {
        Row: {
          "connector_id": string | null;
          "created_at": string;
          "created_by": string | null;
          "deleted_at": string | null;
          "event_types": (string)[];
          "id": string;
          "is_active": boolean;
          "name": string;
          "org_id": string | null;
          "previous_secret_expires_at": string | null;
          "previous_secret_ref": string | null;
          "provider": string;
          "rate_limit_per_second": number | null;
          "secret_ref": string | null;
          "settings": NonNullable<Json>;
          "signing_url": string | null;
          "tenant_id": string;
          "through_app": boolean;
          "updated_at": string;
          "version": number;
        };
        ComputedFields: never;
        Insert: {
          "connector_id"?: string | null;
          "created_at"?: string;
          "created_by"?: string | null;
          "deleted_at"?: string | null;
          "event_types"?: (string)[];
          "id"?: string;
          "is_active"?: boolean;
          "name": string;
          "org_id"?: string | null;
          "previous_secret_expires_at"?: string | null;
          "previous_secret_ref"?: string | null;
          "provider": string;
          "rate_limit_per_second"?: number | null;
          "secret_ref"?: string | null;
          "settings"?: NonNullable<Json>;
          "signing_url"?: string | null;
          "tenant_id": string;
          "through_app"?: boolean;
          "updated_at"?: string;
          "version"?: number;
        };
        Update: {
          "connector_id"?: string | null;
          "created_at"?: string;
          "created_by"?: string | null;
          "deleted_at"?: string | null;
          "event_types"?: (string)[];
          "id"?: string;
          "is_active"?: boolean;
          "name"?: string;
          "org_id"?: string | null;
          "previous_secret_expires_at"?: string | null;
          "previous_secret_ref"?: string | null;
          "provider"?: string;
          "rate_limit_per_second"?: number | null;
          "secret_ref"?: string | null;
          "settings"?: NonNullable<Json>;
          "signing_url"?: string | null;
          "tenant_id"?: string;
          "through_app"?: boolean;
          "updated_at"?: string;
          "version"?: number;
        };
        Relationships: [
          {
            foreignKeyName: "integration_webhooks_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "integration_webhooks_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "integration_webhooks_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "member_client_access": {
        Row: {
          "access": string;
          "client_id": string;
          "created_at": string;
          "tenant_id": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "access": string;
          "client_id": string;
          "created_at"?: string;
          "tenant_id": string;
          "user_id": string;
        };
        Update: {
          "access"?: string;
          "client_id"?: string;
          "created_at"?: string;
          "tenant_id"?: string;
          "user_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "member_client_access_client_fkey";
            columns: ["tenant_id", "client_id"];
            isOneToOne: false;
            referencedRelation: "clients";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "member_client_access_member_fkey";
            columns: ["tenant_id", "user_id"];
            isOneToOne: false;
            referencedRelation: "tenant_members";
            referencedColumns: ["tenant_id", "user_id"];
          },
          {
            foreignKeyName: "member_client_access_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "notifications": {
        Row: {
          "created_at": string;
          "details": NonNullable<Json>;
          "id": string;
          "kind": string;
          "message": string;
          "severity": string;
          "subject_id": string;
          "subject_type": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "details"?: NonNullable<Json>;
          "id"?: string;
          "kind": string;
          "message": string;
          "severity": string;
          "subject_id": string;
          "subject_type": string;
          "tenant_id": string;
        };
        Update: {
          "created_at"?: string;
          "details"?: NonNullable<Json>;
          "id"?: string;
          "kind"?: string;
          "message"?: string;
          "severity"?: string;
          "subject_id"?: string;
          "subject_type"?: string;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "notifications_tenant_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "odoo_departments": {
        Row: {
          "active": boolean | null;
          "company_external_id": string | null;
          "complete_name": string | null;
          "connector_id": string;
          "content_hash": string;
          "deleted_at": string | null;
          "external_id": string;
          "first_synced_at": string;
          "id": string;
          "last_synced_at": string;
          "manager_external_id": string | null;
          "name": string | null;
          "org_id": string | null;
          "parent_external_id": string | null;
          "provider_create_date": string | null;
          "provider_write_date": string | null;
          "seen_pass": string | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "active"?: boolean | null;
          "company_external_id"?: string | null;
          "complete_name"?: string | null;
          "connector_id": string;
          "content_hash": string;
          "deleted_at"?: string | null;
          "external_id": string;
          "first_synced_at"?: string;
          "id"?: string;
          "last_synced_at"?: string;
          "manager_external_id"?: string | null;
          "name"?: string | null;
          "org_id"?: string | null;
          "parent_external_id"?: string | null;
          "provider_create_date"?: string | null;
          "provider_write_date"?: string | null;
          "seen_pass"?: string | null;
          "tenant_id": string;
        };
        Update: {
          "active"?: boolean | null;
          "company_external_id"?: string | null;
          "complete_name"?: string | null;
          "connector_id"?: string;
          "content_hash"?: string;
          "deleted_at"?: string | null;
          "external_id"?: string;
          "first_synced_at"?: string;
          "id"?: string;
          "last_synced_at"?: string;
          "manager_external_id"?: string | null;
          "name"?: string | null;
          "org_id"?: string | null;
          "parent_external_id"?: string | null;
          "provider_create_date"?: string | null;
          "provider_write_date"?: string | null;
          "seen_pass"?: string | null;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "odoo_departments_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "odoo_departments_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "odoo_employees": {
        Row: {
          "active": boolean | null;
          "coach_external_id": string | null;
          "company_external_id": string | null;
          "connector_id": string;
          "content_hash": string;
          "deleted_at": string | null;
          "department_external_id": string | null;
          "external_id": string;
          "first_synced_at": string;
          "id": string;
          "job_external_id": string | null;
          "job_title": string | null;
          "last_synced_at": string;
          "manager_external_id": string | null;
          "mobile_phone": string | null;
          "name": string | null;
          "org_id": string | null;
          "provider_create_date": string | null;
          "provider_write_date": string | null;
          "seen_pass": string | null;
          "tenant_id": string;
          "user_external_id": string | null;
          "work_email": string | null;
          "work_phone": string | null;
        };
        ComputedFields: never;
        Insert: {
          "active"?: boolean | null;
          "coach_external_id"?: string | null;
          "company_external_id"?: string | null;
          "connector_id": string;
          "content_hash": string;
          "deleted_at"?: string | null;
          "department_external_id"?: string | null;
          "external_id": string;
          "first_synced_at"?: string;
          "id"?: string;
          "job_external_id"?: string | null;
          "job_title"?: string | null;
          "last_synced_at"?: string;
          "manager_external_id"?: string | null;
          "mobile_phone"?: string | null;
          "name"?: string | null;
          "org_id"?: string | null;
          "provider_create_date"?: string | null;
          "provider_write_date"?: string | null;
          "seen_pass"?: string | null;
          "tenant_id": string;
          "user_external_id"?: string | null;
          "work_email"?: string | null;
          "work_phone"?: string | null;
        };
        Update: {
          "active"?: boolean | null;
          "coach_external_id"?: string | null;
          "company_external_id"?: string | null;
          "connector_id"?: string;
          "content_hash"?: string;
          "deleted_at"?: string | null;
          "department_external_id"?: string | null;
          "external_id"?: string;
          "first_synced_at"?: string;
          "id"?: string;
          "job_external_id"?: string | null;
          "job_title"?: string | null;
          "last_synced_at"?: string;
          "manager_external_id"?: string | null;
          "mobile_phone"?: string | null;
          "name"?: string | null;
          "org_id"?: string | null;
          "provider_create_date"?: string | null;
          "provider_write_date"?: string | null;
          "seen_pass"?: string | null;
          "tenant_id"?: string;
          "user_external_id"?: string | null;
          "work_email"?: string | null;
          "work_phone"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "odoo_employees_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "odoo_employees_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "orgs": {
        Row: {
          "created_at": string;
          "id": string;
          "name": string;
          "tenant_id": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "id"?: string;
          "name": string;
          "tenant_id": string;
          "updated_at"?: string;
        };
        Update: {
          "created_at"?: string;
          "id"?: string;
          "name"?: string;
          "tenant_id"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "orgs_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "role": {
        Row: {
          "name": string;
          "permissions": (string)[];
          "rank": number;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "name": string;
          "permissions": (string)[];
          "rank": number;
          "tenant_id": string;
        };
        Update: {
          "name"?: string;
          "permissions"?: (string)[];
          "rank"?: number;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "role_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "slack_conversations": {
        Row: {
          "connector_id": string;
          "content_hash": string;
          "created_at": string | null;
          "deleted_at": string | null;
          "external_id": string;
          "first_synced_at": string;
          "id": string;
          "is_archived": boolean | null;
          "is_member": boolean | null;
          "is_private": boolean | null;
          "last_synced_at": string;
          "member_count": number | null;
          "name": string | null;
          "org_id": string | null;
          "purpose": string | null;
          "seen_pass": string | null;
          "tenant_id": string;
          "topic": string | null;
        };
        ComputedFields: never;
        Insert: {
          "connector_id": string;
          "content_hash": string;
          "created_at"?: string | null;
          "deleted_at"?: string | null;
          "external_id": string;
          "first_synced_at"?: string;
          "id"?: string;
          "is_archived"?: boolean | null;
          "is_member"?: boolean | null;
          "is_private"?: boolean | null;
          "last_synced_at"?: string;
          "member_count"?: number | null;
          "name"?: string | null;
          "org_id"?: string | null;
          "purpose"?: string | null;
          "seen_pass"?: string | null;
          "tenant_id": string;
          "topic"?: string | null;
        };
        Update: {
          "connector_id"?: string;
          "content_hash"?: string;
          "created_at"?: string | null;
          "deleted_at"?: string | null;
          "external_id"?: string;
          "first_synced_at"?: string;
          "id"?: string;
          "is_archived"?: boolean | null;
          "is_member"?: boolean | null;
          "is_private"?: boolean | null;
          "last_synced_at"?: string;
          "member_count"?: number | null;
          "name"?: string | null;
          "org_id"?: string | null;
          "purpose"?: string | null;
          "seen_pass"?: string | null;
          "tenant_id"?: string;
          "topic"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "slack_conversations_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "slack_conversations_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "slack_messages": {
        Row: {
          "bot_id": string | null;
          "connector_id": string;
          "content_hash": string;
          "conversation_id": string | null;
          "deleted_at": string | null;
          "edited_at": string | null;
          "external_id": string;
          "files": Json | null;
          "first_synced_at": string;
          "id": string;
          "last_synced_at": string;
          "latest_reply_at": string | null;
          "org_id": string | null;
          "posted_at": string | null;
          "reactions": Json | null;
          "reply_count": number | null;
          "seen_pass": string | null;
          "subtype": string | null;
          "tenant_id": string;
          "text": string | null;
          "thread_ts": string | null;
          "ts": string | null;
          "user_id": string | null;
          "username": string | null;
        };
        ComputedFields: never;
        Insert: {
          "bot_id"?: string | null;
          "connector_id": string;
          "content_hash": string;
          "conversation_id"?: string | null;
          "deleted_at"?: string | null;
          "edited_at"?: string | null;
          "external_id": string;
          "files"?: Json | null;
          "first_synced_at"?: string;
          "id"?: string;
          "last_synced_at"?: string;
          "latest_reply_at"?: string | null;
          "org_id"?: string | null;
          "posted_at"?: string | null;
          "reactions"?: Json | null;
          "reply_count"?: number | null;
          "seen_pass"?: string | null;
          "subtype"?: string | null;
          "tenant_id": string;
          "text"?: string | null;
          "thread_ts"?: string | null;
          "ts"?: string | null;
          "user_id"?: string | null;
          "username"?: string | null;
        };
        Update: {
          "bot_id"?: string | null;
          "connector_id"?: string;
          "content_hash"?: string;
          "conversation_id"?: string | null;
          "deleted_at"?: string | null;
          "edited_at"?: string | null;
          "external_id"?: string;
          "files"?: Json | null;
          "first_synced_at"?: string;
          "id"?: string;
          "last_synced_at"?: string;
          "latest_reply_at"?: string | null;
          "org_id"?: string | null;
          "posted_at"?: string | null;
          "reactions"?: Json | null;
          "reply_count"?: number | null;
          "seen_pass"?: string | null;
          "subtype"?: string | null;
          "tenant_id"?: string;
          "text"?: string | null;
          "thread_ts"?: string | null;
          "ts"?: string | null;
          "user_id"?: string | null;
          "username"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "slack_messages_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "slack_messages_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "sync_cursors": {
        Row: {
          "connector_id": string;
          "cursor": Json | null;
          "id": string;
          "pass_id": string | null;
          "pass_state": string;
          "saved_at": string;
          "stream": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "connector_id": string;
          "cursor"?: Json | null;
          "id"?: string;
          "pass_id"?: string | null;
          "pass_state"?: string;
          "saved_at"?: string;
          "stream": string;
          "tenant_id": string;
        };
        Update: {
          "connector_id"?: string;
          "cursor"?: Json | null;
          "id"?: string;
          "pass_id"?: string | null;
          "pass_state"?: string;
          "saved_at"?: string;
          "stream"?: string;
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "sync_cursors_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
        ];
      };
      "sync_runs": {
        Row: {
          "cancel_requested_at": string | null;
          "connector_id": string;
          "created_at": string;
          "created_count": number;
          "deleted_count": number;
          "error": string | null;
          "error_class": string | null;
          "errors": NonNullable<Json>;
          "estimate": number | null;
          "failures_in_a_row": number;
          "finished_at": string | null;
          "function_name": string;
          "heartbeat_at": string | null;
          "id": string;
          "lease_token": string | null;
          "lease_until": string | null;
          "mode": string;
          "next_slice_at": string;
          "org_id": string | null;
          "pages": number;
          "parameters": NonNullable<Json>;
          "records": number;
          "refused_count": number;
          "requested_by": string | null;
          "slices": number;
          "started_at": string | null;
          "status": string;
          "streams": (string)[] | null;
          "streams_begun": (string)[];
          "streams_done": (string)[];
          "tenant_id": string;
          "trace_id": string;
          "trigger": string;
          "unanswered_calls": number;
          "unchanged_count": number;
          "updated_count": number;
        };
        ComputedFields: never;
        Insert: {
          "cancel_requested_at"?: string | null;
          "connector_id": string;
          "created_at"?: string;
          "created_count"?: number;
          "deleted_count"?: number;
          "error"?: string | null;
          "error_class"?: string | null;
          "errors"?: NonNullable<Json>;
          "estimate"?: number | null;
          "failures_in_a_row"?: number;
          "finished_at"?: string | null;
          "function_name": string;
          "heartbeat_at"?: string | null;
          "id"?: string;
          "lease_token"?: string | null;
          "lease_until"?: string | null;
          "mode": string;
          "next_slice_at"?: string;
          "org_id"?: string | null;
          "pages"?: number;
          "parameters"?: NonNullable<Json>;
          "records"?: number;
          "refused_count"?: number;
          "requested_by"?: string | null;
          "slices"?: number;
          "started_at"?: string | null;
          "status"?: string;
          "streams"?: (string)[] | null;
          "streams_begun"?: (string)[];
          "streams_done"?: (string)[];
          "tenant_id": string;
          "trace_id": string;
          "trigger": string;
          "unanswered_calls"?: number;
          "unchanged_count"?: number;
          "updated_count"?: number;
        };
        Update: {
          "cancel_requested_at"?: string | null;
          "connector_id"?: string;
          "created_at"?: string;
          "created_count"?: number;
          "deleted_count"?: number;
          "error"?: string | null;
          "error_class"?: string | null;
          "errors"?: NonNullable<Json>;
          "estimate"?: number | null;
          "failures_in_a_row"?: number;
          "finished_at"?: string | null;
          "function_name"?: string;
          "heartbeat_at"?: string | null;
          "id"?: string;
          "lease_token"?: string | null;
          "lease_until"?: string | null;
          "mode"?: string;
          "next_slice_at"?: string;
          "org_id"?: string | null;
          "pages"?: number;
          "parameters"?: NonNullable<Json>;
          "records"?: number;
          "refused_count"?: number;
          "requested_by"?: string | null;
          "slices"?: number;
          "started_at"?: string | null;
          "status"?: string;
          "streams"?: (string)[] | null;
          "streams_begun"?: (string)[];
          "streams_done"?: (string)[];
          "tenant_id"?: string;
          "trace_id"?: string;
          "trigger"?: string;
          "unanswered_calls"?: number;
          "unchanged_count"?: number;
          "updated_count"?: number;
        };
        Relationships: [
          {
            foreignKeyName: "sync_runs_connector_fkey";
            columns: ["tenant_id", "connector_id"];
            isOneToOne: false;
            referencedRelation: "integration_connectors";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "sync_runs_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "sync_runs_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "tenant_members": {
        Row: {
          "created_at": string;
          "org_id": string | null;
          "role": string;
          "tenant_id": string;
          "updated_at": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "org_id"?: string | null;
          "role": string;
          "tenant_id": string;
          "updated_at"?: string;
          "user_id": string;
        };
        Update: {
          "created_at"?: string;
          "org_id"?: string | null;
          "role"?: string;
          "tenant_id"?: string;
          "updated_at"?: string;
          "user_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "tenant_members_org_fkey";
            columns: ["tenant_id", "org_id"];
            isOneToOne: false;
            referencedRelation: "orgs";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "tenant_members_role_fkey";
            columns: ["tenant_id", "role"];
            isOneToOne: false;
            referencedRelation: "role";
            referencedColumns: ["tenant_id", "name"];
          },
          {
            foreignKeyName: "tenant_members_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "tenant_settings": {
        Row: {
          "log_retention_days": number;
          "require_manual_approval": boolean;
          "tenant_id": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "log_retention_days"?: number;
          "require_manual_approval"?: boolean;
          "tenant_id": string;
          "updated_at"?: string;
        };
        Update: {
          "log_retention_days"?: number;
          "require_manual_approval"?: boolean;
          "tenant_id"?: string;
          "updated_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "tenant_settings_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: true;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "tenants": {
        Row: {
          "created_at": string;
          "id": string;
          "name": string;
          "slug": string;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "id"?: string;
          "name": string;
          "slug": string;
          "updated_at"?: string;
        };
        Update: {
          "created_at"?: string;
          "id"?: string;
          "name"?: string;
          "slug"?: string;
          "updated_at"?: string;
        };
        Relationships: [];
      };
      "webhook_receipt_bodies": {
        Row: {
          "body": string;
          "headers": string;
          "receipt_id": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "body": string;
          "headers": string;
          "receipt_id": string;
          "tenant_id": string;
        };
        Update: {
          "body"?: string;
          "headers"?: string;
          "receipt_id"?: string;
          "tenant_id"?: string;
        };
        Relationships: [];
      };
      "webhook_receipts": {
        Row: {
          "body_bytes": number;
          "content_type": string | null;
          "duplicate_count": number;
          "event_count": number;
          "id": string;
          "org_id": string | null;
          "provider": string;
          "received_at": string;
          "request_id": string;
          "tenant_id": string;
          "webhook_id": string;
        };
        ComputedFields: never;
        Insert: {
          "body_bytes": number;
          "content_type"?: string | null;
          "duplicate_count": number;
          "event_count": number;
          "id": string;
          "org_id"?: string | null;
          "provider": string;
          "received_at"?: string;
          "request_id": string;
          "tenant_id": string;
          "webhook_id": string;
        };
        Update: {
          "body_bytes"?: number;
          "content_type"?: string | null;
          "duplicate_count"?: number;
          "event_count"?: number;
          "id"?: string;
          "org_id"?: string | null;
          "provider"?: string;
          "received_at"?: string;
          "request_id"?: string;
          "tenant_id"?: string;
          "webhook_id"?: string;
        };
        Relationships: [];
      };
    };
    Views: {
      "monitoring_ai_changes_24h": {
        Row: {
          "auto_applied": number | null;
          "campaign_id": string;
          "changes": number | null;
          "rolled_back": number | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: "campaign_optimizations_campaign_fkey";
            columns: ["tenant_id", "campaign_id"];
            isOneToOne: false;
            referencedRelation: "cmo_campaigns";
            referencedColumns: ["tenant_id", "id"];
          },
          {
            foreignKeyName: "campaign_optimizations_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "monitoring_cross_tenant_violations": {
        Row: {
          "row_id": string | null;
          "source_table": string | null;
          "tenant_id": string | null;
        };
        ComputedFields: never;
        Relationships: [];
      };
      "monitoring_duplicate_idempotency_keys": {
        Row: {
          "idempotency_key": string | null;
          "occurrences": number | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: "crm_activities_tenant_id_fkey";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
    };
    Functions: {
      "apply_contact_news": {
        Args: {
          "p_external_id": string;
          "p_field": string;
          "p_kind": string;
          "p_occurred_at": string;
          "p_org_id": string;
          "p_provider": string;
          "p_tenant_id": string;
          "p_tie": string;
          "p_trace_id": string;
          "p_value": string;
        };
        Returns: Json;
      };
      "apply_sync_page": {
        Args: { "p_lease_ms": number; "p_lease_token": string; "p_page": string; "p_run_id": string };
        Returns: Json;
      };
      "begin_oauth": {
        Args: {
          "p_actor": string;
          "p_config": string;
          "p_connector_id": string;
          "p_lifetime_ms": number;
          "p_name": string;
          "p_org_id": string;
          "p_provider": string;
          "p_state_hash": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "begin_token_refresh": {
        Args: {
          "p_connector_id": string;
          "p_lease_ms": number;
          "p_secret_ref": string;
          "p_seen_hash": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "begin_webhook_test": {
        Args: { "p_actor": string; "p_org_id": string; "p_tenant_id": string; "p_webhook_id": string };
        Returns: string;
      };
      "cancel_delivery_replay": {
        Args: { "p_actor": string; "p_replay_id": string; "p_tenant_id": string };
        Returns: Json;
      };
      "cancel_sync_run": {
        Args: { "p_actor": string; "p_org_id": string; "p_run_id": string; "p_tenant_id": string };
        Returns: Json;
      };
      "check_event_processed": {
        Args: {
          "p_campaign_id": string;
          "p_event_type": string;
          "p_occurred_at": string;
          "p_provider_message_id": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "claim_due_token_refreshes": { Args: { "p_limit": number }; Returns: Json };
      "claim_event_dispatches": {
        Args: { "p_awake_ms"?: number; "p_lease_ms": number; "p_limit": number };
        Returns: Json;
      };
      "claim_oauth_revocations": { Args: { "p_limit": number; "p_revocation_id"?: string }; Returns: Json };
      "claim_sync_slice": {
        Args: { "p_function_name": string; "p_lease_ms": number; "p_run_id": string };
        Returns: Json;
      };
      "complete_oauth": {
        Args: { "p_actor": string; "p_code_hash": string; "p_org_id": string; "p_tenant_id": string };
        Returns: Json;
      };
      "count_dead_dispatches": {
        Args: { "p_filter": Json; "p_org_id": string; "p_tenant_id": string };
        Returns: Json;
      };
      "count_synced": {
        Args: { "p_run_id": string; "p_stream": string; "p_table": string };
        Returns: number;
      };
      "count_unknown_app_accounts": { Args: { "p_counts": Json }; Returns: undefined };
      "count_webhook_requests": { Args: { "p_counts": Json }; Returns: undefined };
      "create_connector": {
        Args: {
          "p_actor": string;
          "p_config": string;
          "p_is_active": boolean;
          "p_name": string;
          "p_org_id": string;
          "p_secrets": string;
          "p_sync_interval_seconds": number;
          "p_tenant_id": string;
          "p_type": string;
        };
        Returns: Json;
      };
      "create_delivery_replay": {
        Args: {
          "p_actor": string;
          "p_filter": Json;
          "p_kind": string;
          "p_mode": string;
          "p_org_id": string;
          "p_preview": boolean;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "create_event_subscription": {
        Args: {
          "p_actor": string;
          "p_config": Json;
          "p_description": string;
          "p_event_types": (string)[];
          "p_filter": Json;
          "p_filter_path": string;
          "p_headers": Json;
          "p_is_enabled": boolean;
          "p_label": string;
          "p_metadata": Json;
          "p_org_id": string;
          "p_secret": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "create_guardian_meta_integration": {
        Args: {
          "p_actor": string;
          "p_config": Json;
          "p_description": string;
          "p_headers": Json;
          "p_integration_key": string;
          "p_is_enabled": boolean;
          "p_label": string;
          "p_metadata": Json;
          "p_scopes": (string)[];
          "p_secret": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "create_inbound_replay": {
        Args: {
          "p_actor": string;
          "p_filter": Json;
          "p_org_id": string;
          "p_preview": boolean;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "create_webhook": {
        Args: {
          "p_actor": string;
          "p_connector_id"?: string;
          "p_event_types"?: (string)[];
          "p_name": string;
          "p_org_id": string;
          "p_provider": string;
          "p_rate_limit_per_second"?: number;
          "p_secret": string;
          "p_settings"?: Json;
          "p_signing_url": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "current_access": { Args: Record<PropertyKey, never>; Returns: Json };
      "delete_connector": {
        Args: { "p_actor": string; "p_connector_id": string; "p_org_id": string; "p_tenant_id": string };
        Returns: Json;
      };
      "delete_secret": { Args: { "p_secret_ref": string; "p_tenant_id": string }; Returns: boolean };
      "delete_webhook": {
        Args: { "p_actor": string; "p_org_id": string; "p_tenant_id": string; "p_webhook_id": string };
        Returns: Json;
      };
      "delivery_situation": {
        Args: { "p_delivery_id": string; "p_kind": string; "p_tenant_id": string };
        Returns: Json;
      };
      "delivery_statistics": {
        Args: { "p_integration_ids": (string)[]; "p_tenant_id": string };
        Returns: Json;
      };
      "delivery_statistics_series": {
        Args: {
          "p_from": string;
          "p_granularity": string;
          "p_integration_id": string;
          "p_tenant_id": string;
          "p_to": string;
        };
        Returns: Json;
      };
      "disconnect_connector": {
        Args: { "p_actor": string; "p_connector_id": string; "p_org_id": string; "p_tenant_id": string };
        Returns: Json;
      };
      "dry_run_event_subscription": {
        Args: {
          "p_actor": string;
          "p_conditions": Json;
          "p_event_id": string;
          "p_event_types": (string)[];
          "p_filter_path": string;
          "p_limit": number;
          "p_org_id": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "end_webhook_overlap": {
        Args: { "p_actor": string; "p_org_id": string; "p_tenant_id": string; "p_webhook_id": string };
        Returns: Json;
      };
      "exchange_deliveries": {
        Args: {
          "p_after"?: string;
          "p_awake_ms"?: number;
          "p_full_tenant_ids"?: (string)[];
          "p_lease_ms": number;
          "p_limit": number;
          "p_results": Json;
        };
        Returns: Json;
      };
      "finish_agent_run": {
        Args: { "p_error": string; "p_run_id": string; "p_status": string; "p_summary": Json };
        Returns: boolean;
      };
      "finish_event_dispatches": { Args: { "p_results": Json }; Returns: number };
      "finish_oauth_revocation": {
        Args: { "p_is_done": boolean; "p_revocation_id": string };
        Returns: undefined;
      };
      "finish_sync_slice": {
        Args: { "p_lease_token": string; "p_result": string; "p_run_id": string };
        Returns: Json;
      };
      "finish_token_refresh": {
        Args: {
          "p_connector_id": string;
          "p_error": string;
          "p_expires_at": string;
          "p_lease_token": string;
          "p_outcome": string;
          "p_refresh_due_at": string;
          "p_secret": string;
          "p_tenant_id": string;
        };
        Returns: boolean;
      };
      "get_connector": { Args: { "p_connector_id": string; "p_tenant_id": string }; Returns: Json };
      "get_current_workspace_id": { Args: Record<PropertyKey, never>; Returns: string };
      "get_delivery_endpoints": { Args: { "p_integration_ids": (string)[] }; Returns: Json };
      "get_sync_run": { Args: { "p_run_id": string; "p_tenant_id": string }; Returns: Json };
      "get_webhook_receipt_bodies": { Args: { "p_receipt_ids": (string)[] }; Returns: Json };
      "get_webhook_verifier": { Args: { "p_webhook_id": string }; Returns: Json };
      "keep_oauth_grant": {
        Args: {
          "p_account_id": string;
          "p_account_name": string;
          "p_code_hash": string;
          "p_lifetime_ms": number;
          "p_links_account": boolean;
          "p_missing_scopes": (string)[];
          "p_refresh_due_at": string;
          "p_scopes": (string)[];
          "p_secret": string;
          "p_state_id": string;
          "p_token_expires_at": string;
        };
        Returns: boolean;
      };
      "link_connector_account": {
        Args: { "p_account_id": string; "p_actor"?: string; "p_connector_id": string; "p_tenant_id": string };
        Returns: Json;
      };
      "list_connectors": {
        Args: {
          "p_after_at": string;
          "p_after_id": string;
          "p_limit": number;
          "p_org_id": string;
          "p_status": string;
          "p_tenant_id": string;
          "p_type": string;
        };
        Returns: Json;
      };
      "list_dead_dispatches": {
        Args: {
          "p_after": Json;
          "p_filter": Json;
          "p_limit": number;
          "p_org_id": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "list_deliveries": {
        Args: {
          "p_after": Json;
          "p_filter": Json;
          "p_kind": string;
          "p_limit": number;
          "p_org_id": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "list_sync_runs": {
        Args: {
          "p_after_at": string;
          "p_after_id": string;
          "p_connector_id": string;
          "p_limit": number;
          "p_org_id": string;
          "p_status": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "list_webhook_receipts": {
        Args: {
          "p_after": Json;
          "p_filter": Json;
          "p_limit": number;
          "p_tenant_id": string;
          "p_webhook_id": string;
        };
        Returns: Json;
      };
      "log_ai_change": {
        Args: { "p_campaign_id": string; "p_changes": Json; "p_reason": string; "p_tenant_id": string };
        Returns: string;
      };
      "payload":
        | {
          Args: {
            "p_delivery": Omit<
              Database["public"]["Tables"]["event_deliveries"]["Row"],
              Database["public"]["Tables"]["event_deliveries"]["ComputedFields"]
            >;
          };
          Returns:
            & { error: true }
            & "Could not choose the best candidate function between: public.payload(p_delivery => guardian_meta_webhook_events), public.payload(p_delivery => event_deliveries). Try renaming the parameters or the function itself in the database so function overloading can be resolved";
        }
        | {
          Args: {
            "p_delivery": Omit<
              Database["public"]["Tables"]["guardian_meta_webhook_events"]["Row"],
              Database["public"]["Tables"]["guardian_meta_webhook_events"]["ComputedFields"]
            >;
          };
          Returns:
            & { error: true }
            & "Could not choose the best candidate function between: public.payload(p_delivery => guardian_meta_webhook_events), public.payload(p_delivery => event_deliveries). Try renaming the parameters or the function itself in the database so function overloading can be resolved";
        };
      "plan_sync_run": {
        Args: { "p_lease_ms": number; "p_lease_token": string; "p_run_id": string; "p_streams": (string)[] };
        Returns: boolean;
      };
      "preview_delivery_source": {
        Args: {
          "p_actor": string;
          "p_event_id": string;
          "p_integration_id": string;
          "p_kind": string;
          "p_org_id": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "queue_for_approval": {
        Args: { "p_campaign_id": string; "p_changes": Json; "p_reason": string; "p_tenant_id": string };
        Returns: string;
      };
      "queue_test_delivery": {
        Args: { "p_actor": string; "p_integration_id": string; "p_tenant_id": string };
        Returns: string;
      };
      "read_secret": { Args: { "p_secret_ref": string; "p_tenant_id": string }; Returns: string };
      "record_agent_run": {
        Args: { "p_agent": string; "p_started_at": string; "p_summary": Json };
        Returns: string;
      };
      "record_connector_check": {
        Args: {
          "p_account_name": string;
          "p_actor": string;
          "p_connector_id": string;
          "p_duration_ms": number;
          "p_error": string;
          "p_error_class": string;
          "p_org_id": string;
          "p_request_id": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "record_connector_use": {
        Args: {
          "p_connector_id": string;
          "p_details": Json;
          "p_duration_ms": number;
          "p_error": string;
          "p_error_class": string;
          "p_event_type": string;
          "p_request_id": string;
          "p_tenant_id": string;
        };
        Returns: undefined;
      };
      "record_crm_activity": {
        Args: {
          "p_contact_id": string;
          "p_meta": Json;
          "p_occurred_at": string;
          "p_subject": string;
          "p_tenant_id": string;
          "p_type": string;
        };
        Returns: Json;
      };
      "replay_deliveries": {
        Args: { "p_actor": string; "p_delivery_ids": (string)[]; "p_tenant_id": string };
        Returns: number;
      };
      "replay_event_dispatches": {
        Args: { "p_actor": string; "p_dispatch_ids": (number)[]; "p_tenant_id": string };
        Returns: number;
      };
      "replay_webhook_receipt": {
        Args: {
          "p_actor": string;
          "p_org_id": string;
          "p_receipt_id": string;
          "p_tenant_id": string;
          "p_webhook_id": string;
        };
        Returns: number;
      };
      "resolve_app_accounts": { Args: { "p_account_ids": (string)[]; "p_provider": string }; Returns: Json };
      "reveal_webhook_secret": {
        Args: { "p_actor": string; "p_org_id": string; "p_tenant_id": string; "p_webhook_id": string };
        Returns: string;
      };
      "rollback_change": {
        Args: { "p_actor"?: string; "p_change_id": string; "p_tenant_id": string };
        Returns: Json;
      };
      "rotate_event_subscription_secret": {
        Args: {
          "p_actor": string;
          "p_org_id": string;
          "p_overlap_seconds": number;
          "p_secret": string;
          "p_subscription_id": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "rotate_guardian_meta_integration_secret": {
        Args: {
          "p_actor": string;
          "p_integration_id": string;
          "p_overlap_seconds": number;
          "p_secret": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "rotate_webhook_secret": {
        Args: {
          "p_actor": string;
          "p_org_id": string;
          "p_overlap_seconds": number;
          "p_secret": string;
          "p_tenant_id": string;
          "p_webhook_id": string;
        };
        Returns: Json;
      };
      "set_flow_of_all": { Args: { "p_flow": string }; Returns: Json };
      "set_subscription_flow": {
        Args: {
          "p_actor": string;
          "p_flow": string;
          "p_integration_id": string;
          "p_kind": string;
          "p_org_id": string;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "set_tenant_flow": {
        Args: { "p_actor": string; "p_flow": string; "p_org_id": string; "p_tenant_id": string };
        Returns: Json;
      };
      "start_agent_run": {
        Args: { "p_agent": string; "p_stale_after_ms": number; "p_tenant_id": string };
        Returns: Json;
      };
      "start_sync_run": {
        Args: {
          "p_actor": string;
          "p_connector_id": string;
          "p_function_name": string;
          "p_is_rung": boolean;
          "p_mode": string;
          "p_org_id": string;
          "p_parameters": string;
          "p_streams": (string)[];
          "p_tenant_id": string;
          "p_trace_id": string;
          "p_trigger": string;
          "p_types": (string)[];
        };
        Returns: Json;
      };
      "store_secret": {
        Args: { "p_description": string; "p_secret": string; "p_tenant_id": string };
        Returns: string;
      };
      "subscription_states": {
        Args: { "p_integration_ids": (string)[]; "p_tenant_id": string };
        Returns: Json;
      };
      "sweep_sync_pass": {
        Args: {
          "p_entity_type": string;
          "p_lease_ms": number;
          "p_lease_token": string;
          "p_limit": number;
          "p_run_id": string;
          "p_stream": string;
          "p_table": string;
        };
        Returns: Json;
      };
      "take_oauth_state": { Args: { "p_state_hash": string }; Returns: Json };
      "update_connector": {
        Args: {
          "p_actor": string;
          "p_config": string;
          "p_config_seen": string;
          "p_connector_id": string;
          "p_is_active": boolean;
          "p_is_interval_given": boolean;
          "p_name": string;
          "p_org_id": string;
          "p_secrets": string;
          "p_sync_interval_seconds": number;
          "p_tenant_id": string;
        };
        Returns: Json;
      };
      "update_event_subscriptions": {
        Args: { "p_actor": string; "p_org_id": string; "p_tenant_id": string; "p_updates": Json };
        Returns: Json;
      };
      "update_guardian_meta_integrations": {
        Args: { "p_actor": string; "p_tenant_id": string; "p_updates": Json };
        Returns: Json;
      };
      "update_webhook": {
        Args: {
          "p_actor": string;
          "p_connector_id"?: string;
          "p_event_types"?: (string)[];
          "p_is_active": boolean;
          "p_is_connector_given"?: boolean;
          "p_name": string;
          "p_org_id": string;
          "p_rate_limit_per_second"?: number;
          "p_settings"?: Json;
          "p_tenant_id": string;
          "p_webhook_id": string;
        };
        Returns: Json;
      };
      "wake_drainer": { Args: { "p_drainer": string }; Returns: undefined };
      "webhook_receipt_states": {
        Args: { "p_receipt_ids": (string)[]; "p_tenant_id": string };
        Returns: Json;
      };
      "webhook_statistics_series": {
        Args: {
          "p_from": string;
          "p_granularity": string;
          "p_tenant_id": string;
          "p_to": string;
          "p_webhook_id": string;
        };
        Returns: Json;
      };
    };
    Enums: {
      [_ in never]: never;
    };
    CompositeTypes: {
      [_ in never]: never;
    };
  };
};

type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">;

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">];

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof (
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
    )
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals } ? (
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
  )[TableName] extends {
    Row: infer R;
  } ? R
  : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
      Row: infer R;
    } ? R
    : never
  : never;

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
    Insert: infer I;
  } ? I
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I;
    } ? I
    : never
  : never;

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
    Update: infer U;
  } ? U
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U;
    } ? U
    : never
  : never;

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never,
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
    ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never;

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never,
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
    ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never;

export const Constants = {
  "public": {
    Enums: {},
  },
} as const;
