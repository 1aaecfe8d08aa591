//: part
/* The month of a day since 1970, from 1. Years begin in March here, so that February ends them. */
static int32_t $enc_month(int32_t day)
{
    const int32_t of_cycle = (day + 719468) % 146097; /* of 400 years, from March 1st of the year 0 */
    const int32_t year = (of_cycle - (of_cycle / 1460) + (of_cycle / 36524) - (of_cycle / 146096)) / 365;
    const int32_t of_year = of_cycle - ((365 * year) + (year / 4) - (year / 100));
    const int32_t month = ((5 * of_year) + 2) / 153;
    return (month < 10) ? (month + 3) : (month - 9);
}

/* What a time is compared by: seconds since 1970, month from 1, weekday from Monday as 0, hour. */
static int32_t $enc_part_of_time(int32_t time, size_t part)
{
    int32_t day = time / 86400;
    int32_t second = time % 86400;
    if (second < 0) {
        second += 86400;
        day--;
    }
    if (part == 0u) {
        return time;
    }
    if (part == 1u) {
        return $enc_month(day);
    }
    return (part == 2u) ? ((day + 28003) % 7) : (second / 3600); /* day 0 is a Thursday; none lies before -28003 */
}

//: call
$enc_part_of_time($value, $part)

//: loop index
i

//: number
${part}u
