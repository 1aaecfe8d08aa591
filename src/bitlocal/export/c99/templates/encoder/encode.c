//: title
/* From features to bits. */
