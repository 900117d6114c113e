# A school's pages.
school-home-title = My school
school-wallet-missing = The school's wallet is not open yet, so nothing can be ordered. An officer of the programme will open it; if that takes long, call them.
school-wallet-suspended = The school's wallet is suspended: no new orders, standing ones go on. Contact an officer of the programme.
school-wallet-closed = The school's wallet is closed.
school-notices = Notices
school-notice-more = Look
school-notice-dismiss = I have read it
school-notice-officer = An officer of the programme acted for the school at your request. If you did not ask for it, call them.
school-notice-key-approved = A key was approved and will soon be valid.
school-notice-key-active = A key is now valid.
school-notice-key-refused = A request for a key was refused.
school-notice-key-revoked = A key was revoked.
school-own-tasks = Waiting for you
school-no-own-tasks = There is nothing to do at the moment.
school-others-tasks = Waiting for others
school-no-others-tasks = Nothing is awaited.
school-waits-proposal = A teacher proposed it. The coordinator must order or drop it until
school-waits-change = The provider proposes a change. Accept or refuse it until
school-waits-own-change = You proposed a change. The provider must answer until
school-waits-request = The provider must answer until
school-waits-report = The visit took place. The provider must report who was there until
school-waits-unreported = The provider has not reported the visit. You can cancel it without charge. The deadline was
school-waits-attendance = Confirm who was there. Otherwise the provider's list stands from
school-waits-dispute = The order is disputed. Officers of two institutions have to decide.
school-waits-amendment = A correction of attendance is proposed.
school-money-of-year = Money of { $year }
school-state-left = Left in pupils' passports
school-purse = The school's own money
school-unreached = Not reached yet
school-unreached-count = { $category ->
    [one] { $n } pupil
   *[other] { $n } pupils
}
school-window-until = Services are given this year until
school-unspent = { $sum } is still left in pupils' passports. What is not spent after { $until } returns to the budget. { $days } left.
school-visits = Next visits
school-visits-caption = Ordered visits, the next one first
school-no-visits = Nothing is ordered.
school-find-service = Find a service
school-see-classes = Classes and their money
school-column-service = Service
school-column-when = When
school-column-state = State
school-column-pupils = Pupils
school-column-pupil = Pupil
school-column-money = Sum
school-column-class = Class
school-column-left = Left
school-column-unreached = Not reached yet
school-column-last = Last visit
school-column-next = Next visit
school-column-tick = Tick
school-column-number = No.
school-column-present = Was there
school-column-signature = Signature
school-change-waiting = a change waits
school-classes-title = Classes and their money
school-classes-intro = Choose a class to see its pupils, what is left in their passports, and their visits.
school-classes-caption = Classes of the school
school-no-classes = The register has no pupils of this school yet.
school-all-classes = Whole school
school-class-title = Class { $class }
school-class-of-branch = { $class } (branch { $branch })
school-back-to-classes = All classes
school-back-to-orders = All orders
school-back-to-order = Back to the order
school-tick-all = Tick everybody
school-tick-class = Tick the whole class
school-tick-part = Tick those of the class on this page
school-class-in-part = on this page in part
school-choose-service = Find a service for those ticked
school-print = Print
school-none-chosen = Nobody is ticked. Tick at least one pupil.
school-chosen = { $category ->
    [one] { $n } pupil is ticked. Now find a service and a session.
   *[other] { $n } pupils are ticked. Now find a service and a session.
}
school-not-allocated = This year's money is not allocated yet
school-unreached-title = Not reached yet
school-unreached-summary = { $found } of { $of } have not been anywhere this year.
school-unreached-left = { $left } is left in their passports and can be spent until { $until }.
school-nobody-unreached = Every pupil has been somewhere this year.
school-nobody-unbooked = Everybody who has not been anywhere has a visit ordered.
school-only-unbooked = Only those who have nothing ordered either
school-show = Show
school-orders-title = Orders
school-any-state = Every state
school-year = Year
school-no-orders = There are no such orders.
school-pages = Pages
school-page-of = Page { $page } of { $last }
school-page-before = Previous page
school-pupil-unknown = A pupil whose data we no longer keep
school-deadline = { $at } ({ $left })
school-deadline-past = { $at } (passed)
school-left-soon = less than an hour left
school-left-hours = { $category ->
    [one] { $n } hour left
   *[other] { $n } hours left
}
school-left-days = { $category ->
    [one] { $n } day left
   *[other] { $n } days left
}
school-length-hours = { $category ->
    [one] { $n } hour
   *[other] { $n } hours
}
school-length-days = { $category ->
    [one] { $n } day
   *[other] { $n } days
}
school-state-money = { $sum } from pupils' passports
school-own-money = { $sum } from the school's money
school-both-money = { $state } from pupils' passports and { $school } from the school's money
school-fit-fits = Can take part
school-fit-no-wallet = This year's wallet is not open yet
school-fit-suspended = The wallet is suspended
school-fit-closed = The wallet is closed
school-fit-moved = Moved to another school
school-fit-grade = The service is for other grades
school-fit-elsewhere = Booked elsewhere at that time
school-new-title = New order
school-take-up-title = A teacher's proposal
school-take-up-intro = A teacher proposed this visit. Check the pupils and order it.
school-choose-session = First find a service and choose one of its sessions.
school-errors = It cannot be signed yet
school-fact-service = Service
school-fact-provider = Provider
school-fact-when = When
school-fact-place = Where
school-fact-grades = For
school-fact-price = Price a pupil
school-fact-free = Free places
school-fact-pupils = Pupils
school-fact-money = Sum
school-fact-school-money = School's money at most
school-fact-answer = The provider must answer until
school-fact-cancel = Can be cancelled without charge until
school-fact-change = The time can be changed until
school-fact-attendance = Attendance after the visit
school-fact-late-share = Cancelled later, the provider keeps
school-fact-orderer = Ordered by
school-fact-id = Order
school-orderer-pupil = the pupil
school-a-pupil = { $sum } a pupil
school-working-days = { $category ->
    [one] to be confirmed within { $n } working day, then the provider's list stands
   *[other] to be confirmed within { $n } working days, then the provider's list stands
}
school-grade = pupils of grade { $grade }
school-grades = pupils of grades { $from }–{ $until }
school-blocked-year = The programme year is over, no new orders are taken.
school-blocked-service = This service cannot be ordered at the moment.
school-blocked-closed = This session takes no more orders.
school-blocked-begun = This session has begun.
school-blocked-full = There are no free places left.
school-other-sessions = Other sessions
school-which-classes = Of which classes
school-which-classes-hint = Tick classes and show their pupils. Everybody who can take part can be ticked at once.
school-show-pupils = Show pupils
school-show-whole = Show and tick everybody
school-see-order = See the order
school-sum = What it costs
school-js-pupils = %n%
school-sum-total = Total
school-sum-state = From pupils' passports
school-sum-missing = Lacking, paid by the school
school-purse-lacks = The school's money does not reach. Untick pupils who lack money, or pay in money of the school.
school-over-free = More pupils are ticked than there are free places.
school-money-field = School's money at most (euro)
school-money-hint = So much of the school's own money may be used for this order. Only what pupils' passports lack is taken.
school-recalculate = Recalculate
school-order = Order
school-propose = Propose to the coordinator
school-order-more = The next page shows what you sign. The money is held until the provider answers.
school-propose-more = The next page shows what you sign. A proposal holds no places: the coordinator must order it.
school-fault-lost = { $category ->
    [one] { $n } ticked pupil can no longer take part, or the class is not shown any more. Check the list.
   *[other] { $n } ticked pupils can no longer take part, or their classes are not shown any more. Check the list.
}
school-fault-too-many = An order has at most { $n } pupils.
school-fault-too-many-lines = The order has had too many pupils already. Make another order for the others.
school-fault-full = { $category ->
    [one] Only { $n } place is free.
   *[other] Only { $n } places are free.
}
school-fault-money = Enter a sum in euro, such as 12.50.
school-fault-purse = The pupils lack { $missing }, and the school's money does not reach: { $lacking } more is needed.
school-fault-shortfall = Pupils' passports lack { $missing }. Allow at least so much of the school's money, or untick some pupils.
school-fault-cap = The order would cost { $total }, but your key allows at most { $cap } for one order. Untick some pupils or ask an officer of the programme for a higher limit.
school-fault-no-change = Nothing is changed. Choose another time or pupils.
school-fault-line-gone = The list has changed meanwhile. Check it and try again.
school-fault-nobody-left = At least one pupil must stay in the order. If nobody comes, cancel it.
school-fault-no-swap = You have not chosen who comes instead.
school-fault-twice = The same pupil is chosen twice.
school-warn-late = The session is near ({ $span } or less): once the provider has confirmed it, cancelling costs { $share } a pupil.
school-warn-year-end = The year's end is near: if the visit does not take place or is cancelled, there may be no time for another. Money not spent after { $until } returns to the budget.
school-warn-window-over = Services were given this year until { $until }. When you cancel, the money can no longer be spent and returns to the budget.
school-warn-ended = The programme year of this order is over: money that is released returns to the budget, not to pupils' passports.
school-warn-small = The group is small. The provider may not take such an order.
school-warn-large = { $category ->
    [one] The group is too large: only { $n } place is free.
   *[other] The group is too large: only { $n } places are free.
}
school-warn-session-gone = The proposed session can no longer be joined.
school-warn-busy = Booked elsewhere at that time: { $who }.
school-warn-adding = The new pupils' places cost { $sum }.
school-warn-lacking = { $sum } is lacking: so much more than the school's money that you allowed for this order.
school-sign-request = Order
school-sign-propose = Proposal to the coordinator
school-sign-accept = Accepting a change
school-sign-refuse = Refusing a change
school-sign-take-back = Taking a change back
school-sign-change = Proposing a change
school-sign-swap = Other pupils
school-sign-drop = Fewer pupils
school-next-proposed = The coordinator must order or drop it until { $until }. No places are held yet.
school-next-requested = The provider must answer until { $until }. Without an answer the order lapses and the money returns.
school-next-confirmed = The visit is confirmed. It begins { $until }.
school-next-report = The provider must report who was there until { $until }. Without a report you can cancel it without charge.
school-next-unreported = The provider has not reported the visit. The deadline was { $until }. If it did not take place, cancel the order: it costs nothing.
school-next-delivered = Confirm who was there until { $until }. Otherwise the provider's list stands.
school-next-automatic = The time to confirm is over, the provider's list will stand.
school-next-attended = There is nothing to do. Attendance can be corrected if both sides agree, until the order is in a statement.
school-next-decided = There is nothing to do: the dispute was decided, and what is due is final.
school-next-settled = Settled; there is nothing to do.
school-next-declined = The provider did not take the order, the money has returned. Find another session.
school-next-lapsed = Nobody answered in time, the money has returned. If you still want the visit, order it again.
school-next-cancelled = Cancelled, the money has returned.
school-next-cancelled-late = Cancelled late: the provider kept a share, the rest has returned.
school-next-cancelled-provider = The provider cancelled it, the money has returned. Find another session.
school-actions = What you can do
school-until = until { $until }
school-act-take-up = Order it
school-act-change = Propose another time or other pupils
school-act-pupils = Swap or drop pupils
school-act-attendance = Confirm attendance
school-act-amend = Propose to correct attendance
school-act-cancel = Cancel
school-told-coordinator = The school's coordinator can order, change and cancel.
school-facts = The order
school-line-proposed = proposed
school-line-booked = comes
school-line-dropped = does not come
school-line-attended = was there
school-line-absent = was absent
school-line-reversed = given back
school-lines-caption = Pupils. { $total }
school-print-list = Print the list and the attendance sheet
school-events = What happened
school-on-behalf = by an officer of the programme at your request
school-receipt = Receipt
school-next-cancelled-force-majeure = The session could not take place: everything was given back, nothing is due.
school-next-disputed = The order is disputed; its money waits until the dispute is taken back or decided by officers of two institutions.
school-next-reversed = What was due was given back by decision of officers of two institutions.
school-event-returned = returned: { $sum }
school-change-own = Your proposed change waits for the provider
school-change-provider = The provider proposes a change
school-change-time = Another time: { $to }, { $place } (now { $from }).
school-change-drop = Drop without charge: { $who }.
school-change-add = Add: { $who }.
school-change-absent = Absent: { $who }.
school-change-all-there = Everybody was there.
school-change-cost = The order would then cost { $sum }.
school-accept = Accept
school-refuse = Refuse
school-take-back = Take back
school-no-longer = That can no longer be done with this order. Below is how it stands now.
school-attendance-not-yet = Attendance can be confirmed once the provider has reported that the visit took place.
school-cancel-title = Cancel the order
school-cancel-cost = What it means
school-cancel-free = Cancelling is free until { $until }. All the money returns.
school-cancel-unreported = The provider has not reported the visit, so cancelling is free. All the money returns.
school-cancel-late = Cancelling was free until { $since }. Now the provider keeps { $each } a pupil, { $total } in all; the rest returns.
school-cancel-button = Cancel the order
school-keep = Keep the order
school-change-title = Propose another time or other pupils
school-change-intro = The change holds once the provider accepts it. It can be proposed until { $until }.
school-change-waits = Until the provider accepts the change, everything stays as it is.
school-change-add-from = Add pupils
school-change-add-legend = Whom to add
school-change-time-heading = Time
school-change-session = Session
school-change-same = Keep the time
school-change-no-sessions = There is no other session with room for all pupils at the moment.
school-busy-then = { $category ->
    [one] { $n } pupil is booked elsewhere then
   *[other] { $n } pupils are booked elsewhere then
}
school-change-drop-legend = Whom to drop
school-change-drop-hint = If the provider agrees, dropping is free.
school-change-button = Propose to the provider
school-pupils-title = Swap or drop pupils
school-pupils-legend = Who does not come
school-swap-class-hint = Pupils of the same class can come instead. If another class is needed, choose it here.
school-swap-next = Send others instead
school-drop-next = Drop them
school-swap-heading = Who comes instead
school-swap-intro = Shown are pupils for whom the service is and who are free at that time. The provider need not agree.
school-swap-for = Instead of: { $who }
school-swap-nobody = no change
school-swap-button = Swap
school-drop-heading = They will be dropped
school-drop-free = Dropping is free, the money returns.
school-drop-late = It is too late to drop without charge: the provider keeps { $each } a pupil, { $total } in all; the rest returns.
school-drop-button = Drop
school-attendance-title = Confirm attendance
school-amend-title = Propose to correct attendance
school-attendance-intro = Tick who was there. It must be confirmed until { $until }; then the provider's list stands.
school-amend-intro = The correction holds once the provider accepts it.
school-attendance-legend = Was there
school-attendance-hint = Ticked are those who were there by the provider's report. Untick who was absent.
school-reported = noted: { $state }
school-added-legend = Came beside
school-added-hint = If pupils came who were not on the list, choose their class and tick them.
school-attendance-sum = What it costs
school-attendance-cost = { $sum } in all.
school-attendance-absent = Absent: { $absent }. At least { $share } is due for each.
school-attendance-button = Confirm attendance
school-amend-button = Propose to the provider
school-print-title = List of pupils and attendance sheet
school-to-tick = to tick
school-to-sign = to sign
school-print-teacher = Accompanying teacher (name, signature):
school-print-provider = Provider (name, signature):
school-refuse-title = Refuse an invoice
school-refuse-link = Refuse the invoice
school-refuse-what = After a refusal the provider attaches another invoice. The statement itself stands: if the sum or the attendance is wrong, ask the provider for a credit note.
school-refuse-keyless = None of your valid keys can refuse invoices: keys that were made earlier were not given this right. Make a new key, wait until an officer of the programme has approved it, and come back. The old key can then be revoked.
school-refuse-why = What is wrong with the invoice
school-refuse-why-hint = The provider reads it. Do not write names of pupils.
school-refuse-why-missing = Say what is wrong with the invoice: otherwise the provider does not know what to correct.
school-refuse-why-long = Say it in fewer words: { $most } characters at the most.
school-refuse-said = The provider will read: { $reason }
school-refuse-button = Continue to signing
school-refuse-late = This invoice can no longer be refused.
