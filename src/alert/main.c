#include "alert/run.h"

int main(int argc, char **argv) {
        return alert_run(argc, argv);
}
