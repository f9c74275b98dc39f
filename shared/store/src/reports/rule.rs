//! The rules that the reports check, by the names under which they report.

/// Gives an enum of rules `ALL`, `name`, `parse` and `sentence`.
macro_rules! rules {
    ($($variant:ident $name:literal $sentence:literal;)+) => {
        /// What must hold. The documentation of a variant is its sentence.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $sentence] $variant,)+
        }

        impl Rule {
            /// Every rule.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Its name, under which differences are reported.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }

            /// The rule with this name.
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|rule| rule.name() == name)
            }

            /// The rule in words.
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$variant => $sentence),+
                }
            }
        }
    };
}

rules! {
    HistoryGap "history_gap" "The versions of a payment's history run from 0 without a gap.";
    HistoryStep "history_step" "Each event of a payment's history is legal in the state before it.";
    HistoryEnd "history_end" "A payment's history ends with its state and version.";
    HistoryAttempt "history_attempt" "An attempt that a payment's history names is the payment's.";
    PaymentMissing "payment_missing" "History, attempts and sealed cards belong to a payment.";
    PaymentCreated "payment_created" "A payment was created when its history begins.";
    PaymentFailure "payment_failure" "A payment's failure is one that its last event causes.";
    PaymentApproval "payment_approval" "A payment has one approved attempt exactly while it holds money.";
    PaymentCard "payment_card" "A payment that began with a card shows its brand, digits and expiry.";
    PaymentCustomer "payment_customer" "A payment's customer has its merchant and mode.";
    PaymentIntent "payment_intent" "A payment of an intent has its merchant, mode, amount and currency.";
    PaymentKey "payment_key" "The idempotency key of a payment is kept for its time.";
    PaymentRefunded "payment_refunded" "A payment counts the sum of its refunds that have not failed.";
    PaymentCurrency "payment_currency" "A payment's currency has the decimals that are stored with it.";
    PaymentEvent "payment_event" "A final payment has the event of its state, once.";
    PaymentPostings "payment_postings" "A payment has the postings that its state requires.";
    SealedCard "sealed_card" "A card is sealed exactly while its payment needs it.";
    AttemptNumber "attempt_number" "The attempts of a payment are numbered without a gap, up to three.";
    AttemptHistory "attempt_history" "The state of an attempt follows from its last event.";
    AttemptAmount "attempt_amount" "The approved amount is the payment's.";
    RefundPayment "refund_payment" "A refund has a captured payment of its merchant, mode and intent.";
    RefundPosting "refund_posting" "A refund is posted exactly if it succeeded.";
    RefundEvent "refund_event" "The outcome of a refund has one event, unless it refunds an intent.";
    IntentCanceled "intent_canceled" "No payment pays a canceled intent.";
    IntentEvent "intent_event" "The creation and every change of an intent have one event.";
    CustomerEvent "customer_event" "The creation of a customer has one event.";
    EventSubject "event_subject" "What an event is about exists, with the event's merchant and mode.";
    EventSnapshot "event_snapshot" "An event shows its object as it is.";
    EventDelivery "event_delivery" "An event has a delivery to every endpoint that subscribed to it.";
    DeliveryEndpoint "delivery_endpoint" "The event and the endpoint of a delivery are of one merchant and mode.";
    DeliveryAttempts "delivery_attempts" "Every attempt of a delivery is recorded.";
    DeliveryOutcome "delivery_outcome" "Delivered means a response of 2xx, exhausted that all attempts failed.";
    DeliveryMissing "delivery_missing" "Attempts of deliveries belong to a delivery.";
    PostingCause "posting_cause" "The payment or refund that a posting names exists.";
    PostingTerms "posting_terms" "A posting and its entries have the payment's merchant, mode and currency.";
    PostingEntries "posting_entries" "A posting has the accounts and amounts of its kind, with the merchant's fee.";
    PostingTime "posting_time" "A posting has the time of the event that caused it.";
    PostingMissing "posting_missing" "Ledger entries belong to a posting.";
    AccountDay "account_day" "The sums of an account and day are those of its entries.";
    WorkHasJob "work_has_job" "What is in progress has a job.";
    WorkInTime "work_in_time" "Nothing is in progress for longer than its bound.";
    JobWork "job_work" "A job has something to do.";
    JobOwner "job_owner" "A job has the merchant and mode of its owner.";
    JobOverdue "job_overdue" "No job is overdue by more than 90 seconds.";
    JobParked "job_parked" "No job is parked.";
    KeySubject "key_subject" "What a request with an idempotency key created or changed exists.";
    AcquirerReference "acquirer_reference" "The acquirer knows only references that were stored before they were sent.";
    AcquirerCharge "acquirer_charge" "The acquirer holds or captured exactly what the payment says.";
    AcquirerAmount "acquirer_amount" "The acquirer has the payment's amount, currency and card.";
    AcquirerRefund "acquirer_refund" "The acquirer refunded exactly what the refund says.";
    AcquirerOnce "acquirer_once" "The acquirer captures and refunds each reference once.";
}

impl Rule {
    /// Whether the rule compares with an acquirer's log; the other rules need only the database.
    pub const fn is_of_acquirer(self) -> bool {
        matches!(
            self,
            Rule::AcquirerReference
                | Rule::AcquirerCharge
                | Rule::AcquirerAmount
                | Rule::AcquirerRefund
                | Rule::AcquirerOnce
        )
    }
}
