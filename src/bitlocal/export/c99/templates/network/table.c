//: table
static const $type $name[$length]$attribute = {
    $rows
};
//: read
${NET}_ROM_$type(&$place)
