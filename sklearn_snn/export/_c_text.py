"""The parts of a C file that are the same for all networks, but for names and numbers.

They are templates of `string.Template`: ``p`` is what all names begin with, ``P`` the
same in capitals.
"""

HEADER = """\
/* A spiking network of whole numbers, written by sklearn-snn $version.
 *
 * $described
 *
$usage
 *
 * It is C99 and needs nothing but stdint.h. Bytes: $constant_bytes of constants, the
 * weights having $bits bits, $storage, and $state_bytes of variables.
 *
 * Copy what follows, up to the first function, into a header. */
#include <stdint.h>

#define ${P}_N_INPUTS $n_inputs
#define ${P}_N_OUTPUTS $n_outputs
#define ${P}_N_LAYERS $n_layers
$n_steps
$declarations
"""

STATES = """
/* States have $membrane_bits bits, and saturate. */
static int32_t ${p}_held(int64_t x)
{
    if (x > $limit) {
        return $limit;
    }
    return x < -$limit ? -$limit : (int32_t)x;
}
"""

MULTIPLY = """
/* What is left of a state after a step, rounded toward zero. */
static int32_t ${p}_leaked(int32_t v, int32_t leak)
{
    return (int32_t)((int64_t)v * leak / $whole);
}
"""

POWER_OF_TWO = """
/* What is left of a state after a step: it loses v / 2^leak, rounded down. */
static int32_t ${p}_leaked(int32_t v, int32_t leak)
{
    return v - (v >= 0 ? v >> leak : ~(~v >> leak));
}
"""

ADD = """
/* Adds the weights of $what. */
static void ${p}_add$suffix($sum *sums, const $weight *row, int n$argument)
{
    for (int k = 0; k < n; k++) {
        sums[k] += ${times}row[k];
    }
}
"""

PACKED_ADD = """
/* Adds the weights of $what; two lie in a byte, the lower half first. */
static void ${p}_add$suffix($sum *sums, const $weight *row, int n$argument)
{
    for (int k = 0; k < n; k++) {
        int half = k % 2 ? row[k / 2] >> 4 : row[k / 2] & 15;
        sums[k] += $times((half ^ 8) - 8);
    }
}
"""

ADDING = """\
    for (int k = 0; k < $n_units; k++) {
        $sums[k] = 0;
    }
    for (int j = 0; j < $n_inputs; j++) {
        if (x[j]) {
            ${p}_add($sums, ${p}_weights_$index + (int32_t)j * $row, $n_units);
        }
    }
"""

ADDING_TIMES = """\
    for (int k = 0; k < $n_units; k++) {
        $sums[k] = 0;
    }
    for (int j = 0; j < $n_inputs; j++) {
        if (x[j]) {
            const $weight *row = ${p}_weights_$index + (int32_t)j * $row;
            ${p}_add_times($sums, row, $n_units, x[j]);
        }
    }
"""

ADDING_OWN = """\
    for (int k = 0; k < $n_units; k++) {
        ${p}_own[k] = 0;
    }
    for (int j = 0; j < $n_units; j++) {
        if (${p}_s_$index[j]) {
            ${p}_add(${p}_own, ${p}_recurrent_$index + (int32_t)j * $row, $n_units);
        }
    }
"""

LAYER = """
static void ${p}_layer_$index($argument)
{
$input$own\
    for (int k = 0; k < $n_units; k++) {
        int64_t current = (int64_t)$sums[k] * $shift$own_current + ${p}_bias_$index[k];
        int32_t u;
$synapse\
        u = ${p}_held(${p}_leaked(${p}_v_$index[k], $leak) + (int64_t)$source);
$neuron$reading\
    }
}
"""

SYNAPSE = """\
        current += ${p}_leaked(${p}_i_$index[k], $leak);
        ${p}_i_$index[k] = $cast${p}_held(current);
"""

SPIKING = """\
        uint8_t s = u > ${p}_threshold_$index[k];
        ${p}_s_$index[k] = s;
        ${p}_v_$index[k] = $cast($reset);
"""

INTEGRATING = """\
        ${p}_v_$index[k] = ${cast}u;
"""

INPUT = """
/* Sets the input of all steps until it is called again. */
void ${p}_input(const $type *x)
{
$body\
}
"""

FUNCTIONS = """
/* Puts the network at rest. */
void ${p}_reset(void)
{
$resets
    ${p}_t = ${p}_n_read = 0;
}

/* Runs a step. */
void $head
{
$calls
    if (${p}_t >= $start) {
        ${p}_n_read++;
    }
    ${p}_t++;
    for (int k = 0; spikes_out != 0 && k < ${P}_N_OUTPUTS; k++) {
        spikes_out[k] = ${p}_s_$last[k];
    }
}

/* The spikes of the last step of a layer, from 0 on. */
const uint8_t *${p}_spikes(int layer)
{
    switch (layer) {
$cases
    default: return 0;
    }
}
"""

OUTPUTS = """
/* The outputs of the steps so far, as whole numbers. */
void ${p}_outputs(int64_t *outputs)
{
    for (int k = 0; k < ${P}_N_OUTPUTS; k++) {
$body
    }
}
"""

ANSWER = """
/* The index of the largest output; of equals, the first. */
int ${p}_answer(void)
{
    int64_t outputs[${P}_N_OUTPUTS];
    int best = 0;
    ${p}_outputs(outputs);
    for (int k = 1; k < ${P}_N_OUTPUTS; k++) {
        if (outputs[k] > outputs[best]) {
            best = k;
        }
    }
    return best;
}
"""

MAIN = """
#ifdef ${P}_MAIN
/* Runs samples from standard input, of argv[1] steps each, until there are no more. For
 * each of them it writes the spikes of all layers at each step, unless there is an
 * argv[2]; and then the outputs. At the end it says how long the steps took. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    static const int sizes[${P}_N_LAYERS] = {$sizes};
    static $input values[${P}_N_INPUTS];
    int64_t outputs[${P}_N_OUTPUTS];
    int n_steps = argc > 1 ? atoi(argv[1]) : 1;
    long n_samples = 0;
    clock_t ticks = 0;
    for (;;) {
        ${p}_reset();
        for (int t = 0; t < n_steps; t++) {
            clock_t start;
            if ($reads && fread(values, sizeof values, 1, stdin) != 1) {
                goto end;
            }
            start = clock();
            $step
            ticks += clock() - start;
            for (int l = 0; l < ${P}_N_LAYERS && argc < 3; l++) {
                fwrite(${p}_spikes(l), 1, (size_t)sizes[l], stdout);
            }
        }
        ${p}_outputs(outputs);
        fwrite(outputs, sizeof outputs, 1, stdout);
        n_samples++;
    }
end:
    fprintf(stderr, "%ld samples, %.3f ms each\\n", n_samples,
            1e3 * (double)ticks / CLOCKS_PER_SEC / (double)(n_samples ? n_samples : 1));
    return 0;
}
#endif
"""
