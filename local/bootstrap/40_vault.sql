-- Vault is installed in every hosted project from the start; the other extensions are created by migrations.
create extension supabase_vault;
