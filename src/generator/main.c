#include "generator/generator.h"

int main(int argc, char **argv) {
        return generator_run(argc, argv);
}
