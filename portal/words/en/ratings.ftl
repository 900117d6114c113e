rating-title = Rate the visit
rating-intro = Say how the visit was. Only sums of at least five ratings are shown to everybody, on the service's page.
rating-how-good = How good was it?
rating-score = { $score } – { $word }
rating-score-5 = excellent
rating-score-4 = good
rating-score-3 = fair
rating-score-2 = poor
rating-score-1 = very poor
rating-facts = What was as it should be?
rating-facts-hint = Tick everything that is true.
rating-fact-took-place = it took place
rating-fact-on-time = it began and ended on time
rating-fact-as-described = it was as described
rating-fact-suited-to-age = it suited the pupils' age
rating-fact-accessible = everybody could take part
rating-once = A school rates an order once. The rating cannot be changed or withdrawn.
rating-button = Go on to sign
rating-no-score = Choose a score from 1 to 5.
rating-not-now = This order cannot be rated now: it was rated already, or it has not taken place.
rating-heading = What visitors say
rating-by-schools = Schools
rating-by-pupils = Pupils
rating-average = Average score: { $average } of 5
rating-count = { $category ->
    [one] { $n } rating
   *[other] { $n } ratings
}
rating-of-all = { $said } of { $all }
rating-caption = How many say so
rating-said = Say so
