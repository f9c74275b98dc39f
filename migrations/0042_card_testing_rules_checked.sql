alter table risk_verdicts
    validate constraint risk_verdicts_rule_listed,
    validate constraint risk_verdicts_about;
