//! Operators: people with a login of their own to the database, a member of `sluice_operator`. The
//! functions here run as the tables' owner, who may create roles.

use sqlx::{AssertSqlSafe, PgPool};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::Result;
use crate::roles::{lock_roles, verifier};

/// An operator.
#[derive(Debug, Clone)]
pub struct Operator {
    /// The login.
    pub name: String,
    /// Open connections.
    pub sessions: i64,
    /// When the operator last changed something.
    pub last_action_at: Option<OffsetDateTime>,
}

/// The name of an operator's login: lower-case letters, digits and `_`, at most 63. Names of Postgres
/// and of our own roles are excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Parses a name.
    pub fn parse(text: &str) -> Option<Self> {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let is_reserved = ["sluice", "pg_", "postgres", "public", "none"]
            .iter()
            .any(|reserved| text.starts_with(reserved));
        let starts_with_a_letter = text.starts_with(|first: char| first.is_ascii_lowercase());
        let is_name =
            starts_with_a_letter && text.len() <= 63 && text.bytes().all(is_part) && !is_reserved;
        is_name.then(|| Self(text.to_owned()))
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Creates an operator's login. Returns its password; `None` if the cluster has a role of this name.
pub async fn add(db: &PgPool, name: &Name) -> Result<Option<Zeroizing<String>>> {
    let random: [u8; 32] = rand::random();
    let password = Zeroizing::new(hex::encode(random));
    let verifier = verifier(&password, &rand::random());
    let mut tx = db.begin().await?;
    lock_roles(&mut tx).await?;
    let exists = sqlx::query_scalar!(
        r#"select exists(select from pg_roles where rolname = $1) as "exists!""#,
        name.0
    )
    .fetch_one(&mut *tx)
    .await?;
    if exists {
        return Ok(None);
    }
    // Safe: a checked name, and a verifier of letters, digits and `$+/:=-`. Without `inherit`, the login
    // has no rights until it takes on the role, so what it does is recorded.
    let create = format!(r#"create role "{name}" login noinherit password '{verifier}'"#);
    sqlx::query(AssertSqlSafe(create)).execute(&mut *tx).await?;
    let grant = format!(r#"grant sluice_operator to "{name}""#);
    sqlx::query(AssertSqlSafe(grant)).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Some(password))
}

/// All operators, by name.
pub async fn list(db: &PgPool) -> Result<Vec<Operator>> {
    let operators = sqlx::query_as!(
        Operator,
        r#"select r.rolname::text as "name!",
                  (select count(*) from pg_stat_activity a where a.usename = r.rolname) as "sessions!",
                  (select max(at) from operator_actions o where o.operator = r.rolname) as last_action_at
           from pg_roles r
           where r.rolcanlogin and not r.rolsuper and not r.rolcreaterole
             and exists (select from pg_auth_members a join pg_roles g on g.oid = a.roleid
                         where a.member = r.oid and g.rolname = 'sluice_operator')
           order by r.rolname"#
    )
    .fetch_all(db)
    .await?;
    Ok(operators)
}

/// Removes an operator's login and ends its connections. What the operator did stays recorded. `false`
/// if there is no such operator.
pub async fn remove(db: &PgPool, name: &Name) -> Result<bool> {
    if !list(db).await?.iter().any(|one| one.name == name.0) {
        return Ok(false);
    }
    let mut tx = db.begin().await?;
    lock_roles(&mut tx).await?;
    let disable = format!(r#"alter role "{name}" nologin"#);
    sqlx::query(AssertSqlSafe(disable))
        .execute(&mut *tx)
        .await?;
    // Only a member may end the connections.
    let join = format!(r#"grant "{name}" to current_user"#);
    sqlx::query(AssertSqlSafe(join)).execute(&mut *tx).await?;
    tx.commit().await?;
    sqlx::query!(
        r#"select pg_terminate_backend(pid) as "terminated!" from pg_stat_activity where usename = $1"#,
        name.0
    )
    .fetch_all(db)
    .await?;
    let mut tx = db.begin().await?;
    lock_roles(&mut tx).await?;
    let drop = format!(r#"drop role "{name}""#);
    sqlx::query(AssertSqlSafe(drop)).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_not_reserved() {
        for name in ["ada", "ada_l", "a1"] {
            assert!(Name::parse(name).is_some(), "{name}");
        }
        let long = "a".repeat(64);
        for name in [
            "",
            "Ada",
            "1a",
            "_a",
            "a b",
            "a\"b",
            "a;",
            "sluice_card",
            "pg_x",
            "postgres",
            "ä",
            &long,
        ] {
            assert!(Name::parse(name).is_none(), "{name}");
        }
    }
}
