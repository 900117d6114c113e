bills-title = Bills and payments
bills-programme = Culture passport programme
bills-source = Money
bills-source-state = State money
bills-source-school = Schools’ money
bills-part-paid = paid in part
bills-sealed-short = sealed
bills-debts = What providers owe and repaid
bills-end = The year’s end
bills-csv = Download what is to be paid (CSV)
bills-waits = What waits for whom
bills-waits-nothing = Nothing waits for anybody this year.
bills-waits-you = waits for you
bills-wait-approve = { $category ->
    [one] { $n } invoice waits for the operator’s approval
   *[other] { $n } invoices wait for the operator’s approval
}
bills-wait-pay-programme = { $category ->
    [one] { $n } statement is to be paid by the budget holder
   *[other] { $n } statements are to be paid by the budget holder
}
bills-wait-pay-school = { $category ->
    [one] { $n } statement to a school is to be paid by the operator
   *[other] { $n } statements to schools are to be paid by the operator
}
bills-wait-compare-programme = { $category ->
    [one] { $n } paid statement is to be compared with the bank by the operator
   *[other] { $n } paid statements are to be compared with the bank by the operator
}
bills-wait-compare-school = { $category ->
    [one] { $n } paid statement to a school is to be compared with the bank by the budget holder
   *[other] { $n } paid statements to schools are to be compared with the bank by the budget holder
}
bills-wait-invoice = { $category ->
    [one] { $n } statement waits for the provider’s invoice
   *[other] { $n } statements wait for providers’ invoices
}
bills-wait-answer = { $category ->
    [one] { $n } statement waits for the provider’s answer
   *[other] { $n } statements wait for providers’ answers
}
bills-list = Statements
bills-count = { $category ->
    [one] { $n } statement
   *[other] { $n } statements
}
bills-state = State
bills-month = Issued in
bills-provider-search = Provider’s name or code
bills-school-search = School’s name or code
bills-filter = Show
bills-filter-none = Show all
bills-all = All
bills-all-states = All states
bills-all-payers = All money
bills-all-months = All months
bills-month-1 = January
bills-month-2 = February
bills-month-3 = March
bills-month-4 = April
bills-month-5 = May
bills-month-6 = June
bills-month-7 = July
bills-month-8 = August
bills-month-9 = September
bills-month-10 = October
bills-month-11 = November
bills-month-12 = December
bills-sums = Sums by state and money
bills-sums-more = Of approved and partly paid statements the sum is what is still to be paid, of others all of it.
bills-state-count = Statements, state money
bills-state-sum = State money
bills-school-count = Statements, schools’ money
bills-school-sum = Schools’ money
bills-none = There are no such statements.
bills-provider = Provider
bills-buyer = Payer
bills-invoice = Invoice number
bills-issued = Issued
bills-orders = Orders
bills-total = Sum
bills-open = Still to be paid
bills-credited = Credited or reversed
bills-paid-bank = Paid by the bank
bills-set-off = Set off
bills-approve = Approve the invoice
bills-approve-chosen = Approve the chosen invoices
bills-approve-more = By approving you say that the invoice is right for the statement. Who approves cannot record its payment.
bills-approve-title = Approve invoices
bills-approve-warning = Another officer has to record the payment, with a key of their own.
bills-reject = Refuse the invoice
bills-reject-more = After a refusal the provider may attach another invoice. The provider reads your reason on its page; the ledger holds no reasons.
bills-reject-title = Refuse invoices
bills-pay = Record a payment
bills-pay-chosen = Record payments of the chosen
bills-pay-title = Record payments
bills-pay-intro = Record what the bank has already paid. The payment’s number stays encrypted in the registry, the ledger gets a commitment to it alone; each number counts once.
bills-pay-amount = Paid, €
bills-pay-reference = The bank’s number of the payment
bills-pay-all = Still to be paid in all: { $sum }
bills-pay-warning = The record moves no money: the bank must have sent it already.
bills-payee = Payee
bills-account = Payee’s bank account
bills-account-elsewhere = bound on the ledger, but the registry does not have its number
bills-account-missing = The provider has no bank account that was decided on, so nothing can be approved or paid yet. Two institutions decide on an account.
bills-account-missing-of = The provider has no bank account that was decided on, so the invoice cannot be approved: { $statement }
bills-successor = Another provider stands in this one’s place and is paid.
bills-own-approval = You approved this invoice, so another officer has to record its payment.
bills-not-payer = Some statement is paid by the other institution: the programme’s by the budget holder, schools’ by the operator.
bills-not-comparer = The institution that did not record a payment compares it with the bank.
bills-no-longer-open = Some statement waits for no payment any more.
bills-no-longer-invoice = Some statement waits for no approval any more.
bills-no-longer-paid = Some statement does not wait to be compared with the bank.
bills-no-longer-payment = This payment is already marked as returned, or compared with the bank.
bills-no-longer-repaid = This repayment was compared with the bank already.
bills-none-chosen = No statement was chosen.
bills-too-many = At most 50 statements can be chosen at once.
bills-to-sign = Continue to sign
bills-error-above = That is more than is left.
bills-error-mark = The number is too long or has letters that cannot be used.
bills-error-twice = The same number of a payment was entered twice.
bills-error-used = This number of a payment was recorded for another statement.
bills-set-off-do = Set off a debt
bills-set-off-title = Set off what the provider owes
bills-set-off-more = What is set off makes both smaller: what is still to be paid, and what the provider owes the same payer. No bank moves anything.
bills-set-off-amount = Set off, €
bills-owed = The provider owes
bills-owed-note = The provider owes this payer { $sum }, which can be set off.
bills-nothing-owed = The provider owes this payer nothing.
bills-reconcile = Compare with the bank
bills-reconcile-chosen = Compare the chosen with the bank
bills-reconcile-title = Compare payments with the bank’s statement
bills-reconcile-intro = Compare every payment with the bank’s statement. If one is not there or has another sum, leave it out and tell the institution that recorded it.
bills-reconcile-caption = Payments that the bank’s statement must show
bills-reconcile-warning = By signing you say that you found the payments on the bank’s statement. That cannot be changed.
bills-returned-mark = returned by the bank: { $reference }
bills-bank = Number of the bank’s statement
bills-bank-hint = The number stays encrypted in the registry, the ledger gets a commitment to it alone.
bills-compared-with = Compared with the bank’s statement { $bank }.
bills-statement = Statement
bills-do = What to do
bills-next-answer = Waits for the provider to accept or contest it.
bills-next-invoice = Waits for the provider’s invoice.
bills-next-approve = Waits for an officer of the operator to approve the invoice.
bills-next-pay-programme = Waits for the budget holder’s payment.
bills-next-pay-school = Waits for the operator’s payment out of the school’s money.
bills-next-compare-programme = Waits for the operator to compare the payments with the bank.
bills-next-compare-school = Waits for the budget holder to compare the payments with the bank.
bills-invoice-title = Invoice
bills-invoice-none = No invoice is attached yet.
bills-invoice-elsewhere = An invoice is attached, but its number and file are not in this registry.
bills-file = File
bills-file-hash = Hash of the file (SHA-256)
bills-file-more = The file itself is not kept here: compare the hash of the one you received.
bills-payments = Payments
bills-payments-none = No payments yet.
bills-payments-caption = Payments and set-offs
bills-at = Recorded
bills-way = How
bills-by = Recorded by
bills-way-bank = by the bank
bills-way-set-off = debt set off
bills-way-returned = returned by the bank
bills-reference = Number of the payment
bills-amount = Sum
bills-return = The bank returned it
bills-return-title = Record a payment that the bank returned
bills-return-warning = { $sum } will be open again. The same number of a payment is not taken again.
bills-when = When
bills-service = Service
bills-school = School
bills-attended = There
bills-absent = Absent
bills-price = Price per pupil
bills-vat = VAT
bills-vat-caption = Sums by VAT
bills-vat-more = Sums include tax and are less credit notes. VAT is told by the service’s terms of now; rate and amount of tax stand on the provider’s invoice.
bills-vat-unknown = not known
bills-due = Due
bills-history = What happened
bills-did-issue = Statement issued
bills-did-accept = Accepted by the provider
bills-did-attach = Invoice attached by the provider
bills-did-approve = Invoice approved
bills-did-pay = Paid by the bank: { $sum }
bills-did-set-off = Debt set off: { $sum }
bills-did-return = Paid, but returned by the bank: { $sum }
bills-did-credit = Credited or reversed: { $sum }
bills-did-reconcile = Payments compared with the bank
bills-csv-file = to-be-paid
bills-csv-payee = Payee
bills-csv-code = Code
bills-csv-account = Bank account
bills-csv-amount = Amount
bills-csv-currency = Currency
bills-csv-invoice = Invoice number
bills-csv-buyer = Payer
bills-csv-issued = Issued
bills-csv-statement = Statement
bills-debts-title = What providers owe and repaid in { $year }
bills-debts-intro = A debt begins when something that was paid is credited, or taken back by a decision of two institutions. The provider repays it through the bank, or it is set off when another statement is paid.
bills-owed-none = Nobody owes anything.
bills-owed-caption = Debts by provider and to whom
bills-to-whom = To whom
bills-repay = Record a repayment
bills-repay-title = Record a repayment
bills-repay-intro = Record what the provider has already paid through the bank.
bills-repay-amount = Repaid, €
bills-repay-warning = The record moves no money: the bank must have received it already.
bills-repayments = Repayments
bills-repayments-none = There are no repayments.
bills-repayments-caption = What providers repaid
bills-repaid = Compare with the bank
bills-repaid-title = Compare a repayment with the bank’s statement
bills-repaid-intro = Compare the repayment with the bank’s statement.
bills-not-compared = not compared yet
bills-end-title = The end of { $year }
bills-end-intro = A year is sealed when nothing is left to do in it: its records become one, its sums stay public.
bills-checks = What must be so before sealing
bills-check = Condition
bills-left = What is left
bills-check-done = done
bills-check-open = not yet
bills-check-ended = The year has ended
bills-check-orders = All orders are over
bills-check-free = Unspent money was returned
bills-check-earned = All that providers earned is in statements
bills-check-statements = All statements are paid
bills-check-owed = Providers owe nothing
bills-check-compared = All payments and repayments were compared with the bank
bills-count-payments = { $category ->
    [one] { $n } not compared
   *[other] { $n } not compared
}
bills-end-work = The ledger also looks whether deadlines still wait; while some do, it refuses the seal.
bills-seal-title = Seal the year
bills-seal-more = Afterwards no record of that year can be changed, or read here; archives keep them. This cannot be undone.
bills-seal-type = Type the year to confirm: { $year }
bills-seal-wrong = The typed year differs.
bills-seal-button = Seal the year
bills-seal-who = Everything is done. An officer of the budget holder seals the year.
bills-seal-not-yet = It cannot be sealed yet.
bills-sealed-flash = The year { $year } is sealed.
bills-sealed-title = The year { $year } is sealed
bills-gone = The statements of this year are no longer here: the year is sealed.
bills-sealed-more = One record is left, with the year’s sums and the hash over all of its records. Archives keep the records themselves, and every kept receipt still holds.
bills-sealed-caption = Final sums of the year
bills-sealed-at = Sealed
bills-sealed-records = Records
bills-sealed-root = Hash over the records
bills-reject-why = What is wrong with the invoice (the provider reads it)
