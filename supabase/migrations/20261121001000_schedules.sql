-- The safety net: what a lost bell leaves behind is picked up by the next tick.
-- Rollback: cron.unschedule('interlock-dispatch').

select private.schedule_job('interlock-dispatch', 30, $$select private.invoke_function('event-dispatch', '{"reason": "schedule"}'::jsonb)$$);
