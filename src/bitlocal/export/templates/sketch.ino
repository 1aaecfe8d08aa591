// Predicts the built-in samples once a second and prints the classes on the serial port.
#include <bmlp.h>

#include "samples.h"

#if defined(BMLP_STATE_SIZE)
static bmlp_ctx ctx;
#endif

void setup() {
    Serial.begin(115200);
#if defined(BMLP_STATE_SIZE)
    bmlp_init(&ctx);
#endif
}

void loop() {
    for (int i = 0; i < BMLP_N_SAMPLES; ++i) {
#if defined(BMLP_STATE_SIZE)
        const int class_index = bmlp_ctx_predict(&ctx, bmlp_samples[i]);
        // To learn, show samples with their classes: bmlp_learn(&ctx, features, class_index).
#else
        const int class_index = bmlp_predict(bmlp_samples[i]);
#endif
        Serial.print("sample ");
        Serial.print(i);
        Serial.print(": ");
        Serial.println(class_index < 0 ? "error" : bmlp_class_names[class_index]);
    }
    delay(1000);
}
