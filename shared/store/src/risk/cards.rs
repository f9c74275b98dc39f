//! Declines of cards, and what merchants' payers tried.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::id::MerchantId;
use domain::merchant::Mode;
use domain::risk::{CARD_WINDOW, Counts, MERCHANT_WINDOW};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{stored, sum};
use crate::Result;
use crate::batch::Statement;

/// Reads what is known of a card and its payer.
#[derive(Debug, Clone)]
pub struct KnownOf {
    /// The card's fingerprint.
    pub fingerprint: Vec<u8>,
    /// Its first eight digits.
    pub bin: String,
    /// The payer's e-mail address.
    pub email: Option<String>,
    /// The merchant to be paid.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
}

/// What is known of a card and its payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Declines in [`CARD_WINDOW`] at the merchant to be paid.
    pub at_merchant: u64,
    /// Declines in [`CARD_WINDOW`] at all merchants.
    pub at_all: u64,
    /// Whether an operator blocks the card, its first digits or the payer's address.
    pub is_listed: bool,
}

impl Statement for KnownOf {
    type Row = KnownOf;
    type Output = Known;

    async fn run(db: &mut PgConnection, rows: &[KnownOf]) -> Result<Vec<Option<Known>>> {
        let fingerprints: Vec<Vec<u8>> = rows.iter().map(|row| row.fingerprint.clone()).collect();
        let merchants: Vec<Uuid> = rows.iter().map(|row| row.merchant_id.0).collect();
        let live: Vec<bool> = rows.iter().map(|row| row.mode.is_live()).collect();
        let bins: Vec<String> = rows.iter().map(|row| row.bin.clone()).collect();
        let lower = |email: &String| email.to_ascii_lowercase();
        let emails = rows.iter().map(|row| row.email.as_ref().map(lower));
        let emails: Vec<Option<String>> = emails.collect();
        let found = sqlx::query!(
            r#"
            select coalesce(d.at_merchant, 0) as "at_merchant!", coalesce(d.at_all, 0) as "at_all!",
                   exists (
                       select from unnest(array['card', 'bin', 'bin', 'email'],
                                          array[encode(i.fingerprint, 'hex'), i.bin, left(i.bin, 6), i.email])
                                   as k(kind, value)
                       join blocklist b on b.kind = k.kind and b.value = k.value and b.removed_at is null
                   ) as "is_listed!"
            from unnest($1::bytea[], $2::uuid[], $3::boolean[], $5::text[], $6::text[])
                 with ordinality as i(fingerprint, merchant_id, live, bin, email, ord)
            cross join lateral (
                select sum(declines) filter (where merchant_id = i.merchant_id) as at_merchant,
                       sum(declines) as at_all
                from card_declines
                where fingerprint = i.fingerprint and live = i.live
                  and hour >= date_trunc('hour', now() - make_interval(secs => $4))) d
            order by i.ord
            "#,
            &fingerprints,
            &merchants,
            &live,
            CARD_WINDOW.as_secs_f64(),
            &bins,
            &emails as _,
        )
        .fetch_all(db)
        .await?;
        let found = found.into_iter().map(|row| {
            Some(Known {
                at_merchant: sum(row.at_merchant),
                at_all: sum(row.at_all),
                is_listed: row.is_listed,
            })
        });
        Ok(found.collect())
    }
}

/// The outcome of a card that was tried at a merchant.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The merchant.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// Whether the card was declined, by its issuer or by a verdict.
    pub is_declined: bool,
    /// The fingerprint of a card that its issuer declined.
    pub declined: Option<Vec<u8>>,
}

impl Statement for Outcome {
    type Row = Outcome;
    /// After a decline, what was tried at the merchant in [`MERCHANT_WINDOW`]; otherwise nothing.
    type Output = Option<Counts>;
    /// One run for many outcomes. Only a declined payment waits for it.
    const LINGER: Duration = Duration::from_millis(25);

    async fn run(db: &mut PgConnection, rows: &[Outcome]) -> Result<Vec<Option<Self::Output>>> {
        // Together, so that a run which is repeated counts once.
        let mut tx = db.begin().await?;
        count_cards(&mut tx, rows).await?;
        count_merchants(&mut tx, rows).await?;
        let counts = counts(&mut tx, rows).await?;
        tx.commit().await?;
        let of = |row: &Outcome| {
            let counts = counts.get(&(row.merchant_id.0, row.mode.is_live()));
            counts.copied().filter(|_| row.is_declined)
        };
        Ok(rows.iter().map(|row| Some(of(row))).collect())
    }
}

async fn count_cards(db: &mut PgConnection, rows: &[Outcome]) -> Result<()> {
    let mut sums = BTreeMap::<(&[u8], bool, Uuid), u64>::new();
    for row in rows {
        if let Some(fingerprint) = &row.declined {
            let key = (
                fingerprint.as_slice(),
                row.mode.is_live(),
                row.merchant_id.0,
            );
            *sums.entry(key).or_default() += 1;
        }
    }
    if sums.is_empty() {
        return Ok(());
    }
    let fingerprints: Vec<Vec<u8>> = sums.keys().map(|(card, ..)| card.to_vec()).collect();
    let live: Vec<bool> = sums.keys().map(|(_, live, _)| *live).collect();
    let merchants: Vec<Uuid> = sums.keys().map(|(.., merchant)| *merchant).collect();
    let declines: Vec<i32> = sums.values().map(|sum| stored(*sum)).collect();
    sqlx::query!(
        "insert into card_declines as d (fingerprint, live, hour, merchant_id, declines)
         select fingerprint, live, date_trunc('hour', now()), merchant_id, declines
         from unnest($1::bytea[], $2::boolean[], $3::uuid[], $4::integer[])
              as i(fingerprint, live, merchant_id, declines)
         order by fingerprint, live, merchant_id
         on conflict (fingerprint, live, hour, merchant_id)
         do update set declines = d.declines + excluded.declines",
        &fingerprints,
        &live,
        &merchants,
        &declines,
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn count_merchants(db: &mut PgConnection, rows: &[Outcome]) -> Result<()> {
    let mut sums = BTreeMap::<(Uuid, bool), Counts>::new();
    for row in rows {
        let sum = sums
            .entry((row.merchant_id.0, row.mode.is_live()))
            .or_default();
        sum.tries += 1;
        sum.declines += u64::from(row.is_declined);
    }
    let merchants: Vec<Uuid> = sums.keys().map(|(merchant, _)| *merchant).collect();
    let live: Vec<bool> = sums.keys().map(|(_, live)| *live).collect();
    let tries: Vec<i32> = sums.values().map(|sum| stored(sum.tries)).collect();
    let declines: Vec<i32> = sums.values().map(|sum| stored(sum.declines)).collect();
    sqlx::query!(
        "insert into merchant_attempts as a (merchant_id, live, minute, tries, declines)
         select merchant_id, live, date_trunc('minute', now()), tries, declines
         from unnest($1::uuid[], $2::boolean[], $3::integer[], $4::integer[])
              as i(merchant_id, live, tries, declines)
         order by merchant_id, live
         on conflict (merchant_id, live, minute)
         do update set tries = a.tries + excluded.tries, declines = a.declines + excluded.declines",
        &merchants,
        &live,
        &tries,
        &declines,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What was tried at the merchants that had a decline.
async fn counts(db: &mut PgConnection, rows: &[Outcome]) -> Result<BTreeMap<(Uuid, bool), Counts>> {
    let declined = rows.iter().filter(|row| row.is_declined);
    let mut keys: Vec<_> = declined
        .map(|row| (row.merchant_id.0, row.mode.is_live()))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (merchants, live): (Vec<Uuid>, Vec<bool>) = keys.into_iter().unzip();
    let found = sqlx::query!(
        r#"
        select i.merchant_id as "merchant_id!", i.live as "live!",
               coalesce(w.tries, 0) as "tries!", coalesce(w.declines, 0) as "declines!"
        from unnest($1::uuid[], $2::boolean[]) as i(merchant_id, live)
        cross join lateral (
            select sum(tries) as tries, sum(declines) as declines from merchant_attempts
            where merchant_id = i.merchant_id and live = i.live
              and minute >= date_trunc('minute', now() - make_interval(secs => $3))) w
        "#,
        &merchants,
        &live,
        MERCHANT_WINDOW.as_secs_f64(),
    )
    .fetch_all(db)
    .await?;
    let counts = found.into_iter().map(|row| {
        let counts = Counts {
            tries: sum(row.tries),
            declines: sum(row.declines),
        };
        ((row.merchant_id, row.live), counts)
    });
    Ok(counts.collect())
}
