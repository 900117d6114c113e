books-link = Closing report
books-payable-link = Payment orders for the treasury
books-payments-link = Record payments from a file
books-age-today = the oldest since today
books-age = { $category ->
    [one] the oldest waits for { $n } day
   *[other] the oldest waits for { $n } days
}
books-title = Closing report of { $year }
books-intro = A statement belongs to the period in which its provider accepted it, a credit to the one in which it took effect. Periods begin at midnight in Vilnius. Before a year is sealed its reports are kept, and stay here.
books-period = Period
books-period-all = the year’s whole settlement
books-period-year = { $year }
books-period-quarter = quarter { $quarter } of { $year }
books-period-wrong = There is no such period.
books-by = Put together by
books-by-provider = provider
books-by-place = municipality of the school
books-by-vat = VAT
books-by-buyer = buyer
books-by-everything = everything
books-agrees = Equal to the ledger, to the cent
books-differs = What was reckoned is not what the ledger says. Sign nothing, and call the operator: the differences stand in the table below.
books-read = Read as of { $time }, block { $height }.
books-rows-csv = Download the rows (CSV)
books-accounts-csv = Download the accounts (CSV)
books-accepted-title = Accepted and credited
books-accepted-more = Amounts are gross. An order that state and school pay together is counted with each buyer.
books-rows = { $category ->
    [one] { $n } row
   *[other] { $n } rows
}
books-rows-none = Nothing was accepted or credited in this period.
books-provider = Provider
books-code = Code
books-place = Municipality of the school
books-vat = VAT
books-money = Money
books-buyer = Buyer
books-orders = Orders
books-pupils = Pupils
books-accepted = Accepted
books-credits = Credits
books-credited = Credited
books-net = Net
books-sum = Sum
books-unknown = unknown
books-accounts-title = Accounts of settlement
books-accounts-caption = From the period’s beginning to its end
books-account = Account
books-entry = Entry
books-amount = Amount
books-account-accepted = Accepted statements
books-account-settlement = Held by statements
books-account-paid = Paid out
books-account-receivable = Owed by providers
books-entry-accepted = accepted
books-entry-opening = before the period
books-entry-closing = after the period
books-entry-issued = put into statements
books-entry-contested = contested by providers
books-entry-paid = paid by the bank
books-entry-came-back = sent back by the bank
books-entry-set-off = set off
books-entry-credited = credited
books-entry-repaid = paid back by providers
books-checks-title = Comparison with the ledger
books-checks-more = On the left what was reckoned from receipts and orders, on the right what the ledger’s own sums say now.
books-check = What is compared
books-check-settlement = Held by statements now
books-check-paid = Paid out until now
books-check-receivable = Owed by providers now
books-check-orders = Cost of accepted orders after credits
books-check-rows-accepted = The period’s rows: accepted
books-check-rows-credited = The period’s rows: credited
books-reckoned = Reckoned
books-ledger = On the ledger
books-difference = Difference
books-difference-none = none
books-csv-rows = report-rows
books-csv-accounts = report-accounts
books-csv-refused = refused-lines
books-csv-reference = Payment reference
books-csv-purpose = Purpose
books-csv-due = Due
books-purpose = Invoice { $invoice }, statement { $statement }
books-payable-title = Payment orders for the treasury
books-payable-intro = Approved statements that your institution pays. While nothing is recorded, the file stays the same, and each payment’s reference is its own: the treasury knows an order that it has had before.
books-payable-orders = Orders
books-payable-count = { $category ->
    [one] { $n } payment
   *[other] { $n } payments
}
books-payable-control = Before you confirm, hold the number of payments and the sum that the treasury’s program shows against these. The hash is of the file to download.
books-payable-columns = Payee, its code and account (IBAN), amount and currency, number of the invoice, buyer, date and number of the statement, payment reference (at most 35 letters, SEPA EndToEndId), purpose (at most 140 letters), day until which it is to be paid: as the invoice says, or, for one that was made elsewhere, the days of the programme’s terms (30 without them) after the approval.
books-out-title = What is not in the file
books-out-caption = Approved statements that cannot be paid yet
books-out-nothing = The file has every statement that your institution is to pay.
books-out-none = The provider has no decided bank account. Two institutions decide it.
books-out-elsewhere = A bank account is decided on the ledger, but its number is not in this registry. Enter it again by a decision.
books-out-wrong = The account’s number in the registry is no right IBAN.
books-why = Why
books-columns-title = Columns of the file
books-columns-caption = What the file must have
books-columns-more = The first line names the columns, in any order; Lithuanian names do too. Separated by semicolons or commas, UTF-8; other columns are passed over.
books-column = Column
books-column-what = What it holds
books-column-reference = the order’s payment reference, or the number of the statement
books-column-amount = what was paid, in euro, with a comma or a point
books-column-day = the day on which the bank did it, such as 2026-03-05
books-column-bank = the bank’s number of the payment; each once
books-payments-title = Record payments from a file
books-payments-intro = Upload the bank’s or treasury’s file of executed payments. You first see what becomes of each line; nothing is recorded before you sign. The same file again changes nothing. The day is only checked: the ledger keeps when a payment was recorded.
books-file = File (CSV)
books-file-limits = At most { $kilobytes } KB and { $lines } lines. Up to { $part } payments are signed at a time.
books-upload = Check the file
books-upload-title = A new file
books-file-none = No file was chosen, or it is empty.
books-file-empty = The file has no line.
books-file-long = The file is too large: divide it.
books-file-many = The file has too many lines: divide it.
books-file-not-text = This is no text in UTF-8.
books-file-columns = Columns are missing: the first line must name reference, amount, booking_day and bank_reference.
books-file-gone = The file is no longer kept: upload it again.
books-forget = Done with this file
books-outcome-title = What the file holds
books-outcome-caption = Lines by what becomes of them
books-outcome-nothing = Every line is recorded already: nothing changes.
books-fate = What becomes of them
books-fate-ready = can be recorded
books-fate-recorded = recorded already
books-fate-refused = refused
books-lines = Lines
books-next-title = Sign now
books-next-more = { $category ->
    [one] { $n } line is left to record.
   *[other] { $n } lines are left to record. After this part you come back here.
}
books-next-caption = { $category ->
    [one] { $n } payment
   *[other] { $n } payments
}
books-refused-title = Refused lines
books-refused-csv = Download the refused lines with the reasons (CSV)
books-refused-caption = { $category ->
    [one] { $n } refused line
   *[other] { $n } refused lines
}
books-line = Line
books-reference = Reference
books-day = Day
books-bank = Bank’s number of the payment
books-line-reference = The reference is neither a payment’s nor a statement’s.
books-line-amount = The amount is wrong: a positive one with at most two decimals is needed.
books-line-day = The day is missing or wrong.
books-line-bank = The bank’s number of the payment is missing, too long, or has letters that cannot be.
books-line-twice = The file had this bank’s number before.
books-line-statement-twice = The file had a payment of this statement before: record the second one by itself.
books-line-unknown = There is no such statement or payment order in this year.
books-line-future = The day has not come yet.
books-line-order-done = Another payment is recorded for this order: see whether it was paid twice.
books-line-not-payer = Another institution pays this statement.
books-line-closed = The statement is paid or credited already: see whether it was paid twice.
books-line-not-approved = The statement’s invoice is not approved yet.
books-line-above = More was paid than is open.
books-line-below = Less was paid than is open. If that is right, record it by hand.
books-line-used = This bank’s number is recorded with another statement.
books-line-returned = The bank sent this payment back; its number is not taken again.
books-line-otherwise = This payment is recorded with another amount.
books-compare-link = Compare this file with what is recorded
books-compare-title = Compare a file with recorded payments
books-compare-intro = A statement is compared when the file shows each of its payments with the same amount. After each part that you sign you come back here.
books-compare-caption = Statements all of whose payments the file shows
books-compare-found = { $category ->
    [one] { $n } statement can be compared
   *[other] { $n } statements can be compared
}
books-compare-missing = { $category ->
    [one] { $n } statement that waits for its comparison is not in the file, or not wholly
   *[other] { $n } statements that wait for their comparison are not in the file, or not wholly
}
books-line-not-recorded = The bank shows a payment that is not on the ledger: tell the institution that pays.
books-line-not-comparer = Another institution compares this statement with the bank.
books-line-part = The statement is not wholly paid yet.
books-before-seal = First keep the closing report: a sealed year has none any more.
books-line-long = A cell of the line is too long.
books-sealed = The year was sealed { $time }. This report was kept before, and its sums are those of the seal.
books-sealed-differs = The year was sealed { $time }. This report was kept before, but its sums are not those of the seal: something followed it. An archive of the ledger tells what.
