use super::*;

const TEST: Mode = Mode::Test;

fn merchant(id: u128) -> Share {
    Share::of(Party::Merchant(MerchantId(uuid::Uuid::from_u128(id))), 4)
}

fn take_all(shares: &Shares, of: &Share) -> Vec<Slots> {
    std::iter::from_fn(|| shares.try_take(TEST, std::slice::from_ref(of)).ok()).collect()
}

#[test]
fn one_party_takes_half_of_the_slots_and_others_their_shares() {
    let shares = Shares::new(16);
    let first = take_all(&shares, &merchant(1));
    assert_eq!(first.len(), 8);
    let second = take_all(&shares, &merchant(2));
    assert_eq!(second.len(), 4);
    let third = take_all(&shares, &merchant(3));
    assert_eq!(third.len(), 4);
    assert_eq!(take_all(&shares, &merchant(4)).len(), 0);
    assert!(shares.try_take(Mode::Live, &[merchant(4)]).is_ok());
    drop(first);
    assert_eq!(take_all(&shares, &merchant(4)).len(), 4);
    drop((second, third));
}

#[test]
fn a_strict_share_is_never_exceeded() {
    let shares = Shares::new(16);
    let failing = Share::at_most(Party::Failing, 8);
    let held = take_all(&shares, &failing);
    assert_eq!(held.len(), 2);
    // A refused job uses no slot of its other shares.
    for _ in 0..20 {
        assert!(
            shares
                .try_take(TEST, &[merchant(1), failing.clone()])
                .is_err()
        );
    }
    assert_eq!(take_all(&shares, &merchant(1)).len(), 6);
}

#[test]
fn a_failing_party_gets_a_quarter_until_it_responds() {
    let shares = Shares::new(16);
    let acquirer = Share::of(Party::Acquirer("one"), 2);
    let first = shares.try_take(TEST, std::slice::from_ref(&acquirer));
    for _ in 0..FAILURES_MAX {
        shares.record(&acquirer.party, false);
    }
    assert_eq!(take_all(&shares, &acquirer).len(), 1);
    shares.record(&acquirer.party, true);
    assert_eq!(take_all(&shares, &acquirer).len(), 7);
    drop(first);
}

/// The shares of a merchant's job with the only acquirer.
fn with_acquirer(id: u128) -> [Share; 2] {
    let acquirer = Share::of(Party::Acquirer("one"), 2);
    [acquirer, Share::within(merchant(id).party, 4)]
}

fn take_all_with_acquirer(shares: &Shares, id: u128) -> Vec<Slots> {
    std::iter::from_fn(|| shares.try_take(TEST, &with_acquirer(id)).ok()).collect()
}

#[test]
fn one_merchant_does_not_take_all_of_an_acquirers_share() {
    let shares = Shares::new(32);
    let first = take_all_with_acquirer(&shares, 1);
    assert_eq!(first.len(), 8);
    let second = take_all_with_acquirer(&shares, 2);
    assert_eq!(second.len(), 4);
    let third = take_all_with_acquirer(&shares, 3);
    assert_eq!(third.len(), 4);
    drop((first, second, third));
}

#[test]
fn a_merchant_reaches_a_failing_acquirer_that_another_one_fills() {
    let shares = Shares::new(32);
    let held = take_all_with_acquirer(&shares, 1);
    for _ in 0..FAILURES_MAX {
        shares.record(&Party::Acquirer("one"), false);
    }
    // One at a time, and only while half of the slots are free.
    let others: Vec<_> = (2..12)
        .flat_map(|id| take_all_with_acquirer(&shares, id))
        .collect();
    assert_eq!((held.len(), others.len()), (8, 8));
    drop((held, others));
}

#[tokio::test]
async fn a_job_waits_for_a_slot() {
    let shares = Shares::new(4);
    let mut held = take_all(&shares, &merchant(1));
    let merchant = [merchant(1)];
    let waiting = shares.take(TEST, &merchant, false);
    let freed = async {
        tokio::task::yield_now().await;
        held.clear();
    };
    let (taken, ()) = tokio::join!(waiting, freed);
    assert!(taken.is_ok());
}

#[tokio::test]
async fn postponed_jobs_return_one_after_the_other() {
    let shares = Shares::new(4);
    let held = take_all(&shares, &merchant(1));
    let key = (TEST, Some(merchant(1).party));
    if let Some(party) = shares.lock().get_mut(&key) {
        party.mean = Duration::from_secs(15);
    }
    let merchant = [merchant(1)];
    let waiting = (0..50).map(|_| shares.take(TEST, &merchant, false));
    let mut waits: Vec<_> = futures::future::join_all(waiting)
        .await
        .into_iter()
        .filter_map(Result::err)
        .collect();
    waits.sort();
    assert_eq!(waits.len(), 50);
    assert_eq!(waits.last(), Some(&POSTPONED_MAX));
    waits.dedup();
    assert!(waits.len() > 3, "{waits:?}");
    drop(held);
}

#[tokio::test]
async fn a_job_with_a_caller_and_a_backlog_take_turns() {
    let shares = Shares::new(16);
    let mut held = take_all(&shares, &merchant(1));
    let of = [merchant(1)];
    let order = Mutex::new(Vec::new());
    let wait = async |has_caller| {
        let slots = shares.take(TEST, &of, has_caller).await;
        order
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(has_caller);
        slots
    };
    let backlog = futures::future::join_all((0..10).map(|_| wait(false)));
    let callers = futures::future::join_all((0..3).map(|_| wait(true)));
    let free = async {
        for _ in 0..6 {
            tokio::task::yield_now().await;
            held.pop();
        }
    };
    let (backlog, callers, ()) = tokio::join!(backlog, callers, free);
    let order = order.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(
        order
            .iter()
            .take(6)
            .filter(|has_caller| **has_caller)
            .count()
            == 3,
        "{order:?}"
    );
    drop((backlog, callers));
}
