-- Rows of the version before have no response, so this reads the table once and finds nothing.
alter table delivery_attempts validate constraint delivery_attempts_response_length;
