-- `sluice key roll` gives a webhook endpoint a new secret.
grant update (secret_version, previous_secret_until, updated_at) on webhook_endpoints to sluice_operator;

create trigger webhook_endpoints_rolled_by_operator after update of secret_version on webhook_endpoints for each row
    when (current_user = 'sluice_operator') execute function record_operator_action('webhook_secret.rolled', 'id');
