// Predicts the built-in samples once a second and prints the classes on the serial port.
#include <$net.h>

#include "samples.h"

#if defined($NET_STATE_SIZE)
static $net_ctx ctx;
#endif

void setup() {
    Serial.begin(115200);
#if defined($NET_STATE_SIZE)
    $net_init(&ctx);
#endif
}

void loop() {
    for (int i = 0; i < $NET_N_SAMPLES; ++i) {
#if defined($NET_STATE_SIZE)
        const int class_index = $net_ctx_predict(&ctx, $net_samples[i]);
        // To learn, show samples with their classes: $net_learn(&ctx, features, class_index).
#else
        const int class_index = $net_predict($net_samples[i]);
#endif
        Serial.print("sample ");
        Serial.print(i);
        Serial.print(": ");
        Serial.println(class_index < 0 ? "error" : $net_class_names[class_index]);
    }
    delay(1000);
}
