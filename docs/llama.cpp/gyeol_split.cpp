// The grammar `gyeol` as a pre-tokenizer for llama.cpp, in the form of the custom splitters in its src/unicode.cpp.
// README.md beside this file says how it would go in. It compiles alone too:
//
//     c++ -std=c++17 -O2 -DGYEOL_SPLIT_MAIN gyeol_split.cpp -o gyeol_split
//
// reads texts in UTF-8 from standard input, separated by the byte 0xFF, and prints for each a line with the byte
// offsets where its pre-tokens end.

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

#ifdef GYEOL_SPLIT_MAIN
static bool gyeol_is_number(uint32_t cpt);
static bool gyeol_is_whitespace(uint32_t cpt);
#else
#include "unicode.h"
static bool gyeol_is_number(uint32_t cpt) {
    return unicode_cpt_flags_from_cpt(cpt).is_number;
}
static bool gyeol_is_whitespace(uint32_t cpt) {
    return unicode_cpt_flags_from_cpt(cpt).is_whitespace;
}
#endif

// 년월일개명원만억조천백시분초회번장권살세층호차위인대곳건주%: what stands right behind the digits in Korean
static bool gyeol_is_counter(uint32_t cpt) {
    static const uint32_t counters[] = {
        0xB144, 0xC6D4, 0xC77C, 0xAC1C, 0xBA85, 0xC6D0, 0xB9CC, 0xC5B5, 0xC870, 0xCC9C,
        0xBC31, 0xC2DC, 0xBD84, 0xCD08, 0xD68C, 0xBC88, 0xC7A5, 0xAD8C, 0xC0B4, 0xC138,
        0xCE35, 0xD638, 0xCC28, 0xC704, 0xC778, 0xB300, 0xACF3, 0xAC74, 0xC8FC, 0x0025,
    };
    for (const uint32_t counter : counters) {
        if (cpt == counter) {
            return true;
        }
    }
    return false;
}

static bool gyeol_ends_sentence(uint32_t cpt) {
    return cpt == '.' || cpt == '!' || cpt == '?';
}

// GYEOL regex, of whose alternatives each step below takes one (L is the end of a line with all white space behind it):
//     L = (?:[ \t]*[\r\n]\s*)?
//     " ?\p{N}{1,3}(?:[counter]|[.,:](?=\p{N}))?"
//     "(?: (?!\p{N})|[^ \r\n\p{N}.!?]++|[.!?](?!\s))++[.!?]*L"
//     "[.!?]+L"
//     "\s+"
// Takes the code points of a text and the lengths of the parts that it is in already, returns the lengths of the
// pre-tokens.
std::vector<size_t> unicode_regex_split_custom_gyeol(
        const std::vector<uint32_t> & cpts, const std::vector<size_t> & offsets) {
    std::vector<size_t> bpe_offsets; // store the length of each pre-token
    bpe_offsets.reserve(offsets.size());

    size_t start = 0;
    for (const size_t offset : offsets) {
        const size_t offset_end = start + offset;
        assert(offset_end <= cpts.size());

        // a character that no class has stands behind the end
        static const uint32_t OUT_OF_RANGE = 0xFFFFFFFF;
        auto _get_cpt = [&] (const size_t pos) -> uint32_t {
            return pos < offset_end ? cpts[pos] : OUT_OF_RANGE;
        };
        auto _is_number = [&] (const size_t pos) -> bool {
            return pos < offset_end && gyeol_is_number(cpts[pos]);
        };
        auto _is_whitespace = [&] (const size_t pos) -> bool {
            return pos < offset_end && gyeol_is_whitespace(cpts[pos]);
        };
        auto _is_newline = [&] (const size_t pos) -> bool {
            return _get_cpt(pos) == '\r' || _get_cpt(pos) == '\n';
        };

        // regex: \s*
        auto _skip_whitespace = [&] (size_t pos) -> size_t {
            while (_is_whitespace(pos)) {
                pos++;
            }
            return pos;
        };

        // regex: [.!?]*(?:[ \t]*[\r\n]\s*)?
        auto _skip_sentence_end = [&] (size_t pos) -> size_t {
            while (gyeol_ends_sentence(_get_cpt(pos))) {
                pos++;
            }
            size_t line_end = pos;
            while (_get_cpt(line_end) == ' ' || _get_cpt(line_end) == '\t') {
                line_end++;
            }
            return _is_newline(line_end) ? _skip_whitespace(line_end) : pos;
        };

        while (start < offset_end) {
            size_t pos = start;

            // regex: <space>?\p{N}{1,3}(?:[counter]|[.,:](?=\p{N}))?
            const size_t digits = start + (_get_cpt(start) == ' ');
            if (_is_number(digits)) {
                pos = digits;
                while (pos - digits < 3 && _is_number(pos)) {
                    pos++;
                }
                const uint32_t cpt = _get_cpt(pos);
                const bool divides = cpt == '.' || cpt == ',' || cpt == ':';
                pos += gyeol_is_counter(cpt) || (divides && _is_number(pos + 1));
                bpe_offsets.push_back(pos - start);
                start = pos;
                continue;
            }

            // regex: (?: (?!\p{N})|[^ \r\n\p{N}.!?]++|[.!?](?!\s))++
            while (pos < offset_end && !_is_newline(pos) && !_is_number(pos)) {
                const bool before_number = cpts[pos] == ' ' && _is_number(pos + 1);
                const bool before_white = gyeol_ends_sentence(cpts[pos]) && _is_whitespace(pos + 1);
                if (before_number || before_white) {
                    break;
                }
                pos++;
            }

            // regex: [.!?]*(?:[ \t]*[\r\n]\s*)?, or \s+ where nothing but a line end is here
            pos = pos == start && _is_newline(pos) ? _skip_whitespace(pos) : _skip_sentence_end(pos);
            bpe_offsets.push_back(pos - start);
            start = pos;
        }
    }

    return bpe_offsets;
}

#ifdef GYEOL_SPLIT_MAIN

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

// \p{N} of Unicode 16.0, first and last; in llama.cpp src/unicode-data.cpp has it
static const uint32_t number_ranges[][2] = {
    {0x30, 0x39}, {0xB2, 0xB3}, {0xB9, 0xB9}, {0xBC, 0xBE}, {0x660, 0x669}, {0x6F0, 0x6F9}, {0x7C0, 0x7C9},
    {0x966, 0x96F}, {0x9E6, 0x9EF}, {0x9F4, 0x9F9}, {0xA66, 0xA6F}, {0xAE6, 0xAEF}, {0xB66, 0xB6F}, {0xB72, 0xB77},
    {0xBE6, 0xBF2}, {0xC66, 0xC6F}, {0xC78, 0xC7E}, {0xCE6, 0xCEF}, {0xD58, 0xD5E}, {0xD66, 0xD78}, {0xDE6, 0xDEF},
    {0xE50, 0xE59}, {0xED0, 0xED9}, {0xF20, 0xF33}, {0x1040, 0x1049}, {0x1090, 0x1099}, {0x1369, 0x137C},
    {0x16EE, 0x16F0}, {0x17E0, 0x17E9}, {0x17F0, 0x17F9}, {0x1810, 0x1819}, {0x1946, 0x194F}, {0x19D0, 0x19DA},
    {0x1A80, 0x1A89}, {0x1A90, 0x1A99}, {0x1B50, 0x1B59}, {0x1BB0, 0x1BB9}, {0x1C40, 0x1C49}, {0x1C50, 0x1C59},
    {0x2070, 0x2070}, {0x2074, 0x2079}, {0x2080, 0x2089}, {0x2150, 0x2182}, {0x2185, 0x2189}, {0x2460, 0x249B},
    {0x24EA, 0x24FF}, {0x2776, 0x2793}, {0x2CFD, 0x2CFD}, {0x3007, 0x3007}, {0x3021, 0x3029}, {0x3038, 0x303A},
    {0x3192, 0x3195}, {0x3220, 0x3229}, {0x3248, 0x324F}, {0x3251, 0x325F}, {0x3280, 0x3289}, {0x32B1, 0x32BF},
    {0xA620, 0xA629}, {0xA6E6, 0xA6EF}, {0xA830, 0xA835}, {0xA8D0, 0xA8D9}, {0xA900, 0xA909}, {0xA9D0, 0xA9D9},
    {0xA9F0, 0xA9F9}, {0xAA50, 0xAA59}, {0xABF0, 0xABF9}, {0xFF10, 0xFF19}, {0x10107, 0x10133}, {0x10140, 0x10178},
    {0x1018A, 0x1018B}, {0x102E1, 0x102FB}, {0x10320, 0x10323}, {0x10341, 0x10341}, {0x1034A, 0x1034A},
    {0x103D1, 0x103D5}, {0x104A0, 0x104A9}, {0x10858, 0x1085F}, {0x10879, 0x1087F}, {0x108A7, 0x108AF},
    {0x108FB, 0x108FF}, {0x10916, 0x1091B}, {0x109BC, 0x109BD}, {0x109C0, 0x109CF}, {0x109D2, 0x109FF},
    {0x10A40, 0x10A48}, {0x10A7D, 0x10A7E}, {0x10A9D, 0x10A9F}, {0x10AEB, 0x10AEF}, {0x10B58, 0x10B5F},
    {0x10B78, 0x10B7F}, {0x10BA9, 0x10BAF}, {0x10CFA, 0x10CFF}, {0x10D30, 0x10D39}, {0x10D40, 0x10D49},
    {0x10E60, 0x10E7E}, {0x10F1D, 0x10F26}, {0x10F51, 0x10F54}, {0x10FC5, 0x10FCB}, {0x11052, 0x1106F},
    {0x110F0, 0x110F9}, {0x11136, 0x1113F}, {0x111D0, 0x111D9}, {0x111E1, 0x111F4}, {0x112F0, 0x112F9},
    {0x11450, 0x11459}, {0x114D0, 0x114D9}, {0x11650, 0x11659}, {0x116C0, 0x116C9}, {0x116D0, 0x116E3},
    {0x11730, 0x1173B}, {0x118E0, 0x118F2}, {0x11950, 0x11959}, {0x11BF0, 0x11BF9}, {0x11C50, 0x11C6C},
    {0x11D50, 0x11D59}, {0x11DA0, 0x11DA9}, {0x11F50, 0x11F59}, {0x11FC0, 0x11FD4}, {0x12400, 0x1246E},
    {0x16130, 0x16139}, {0x16A60, 0x16A69}, {0x16AC0, 0x16AC9}, {0x16B50, 0x16B59}, {0x16B5B, 0x16B61},
    {0x16D70, 0x16D79}, {0x16E80, 0x16E96}, {0x1CCF0, 0x1CCF9}, {0x1D2C0, 0x1D2D3}, {0x1D2E0, 0x1D2F3},
    {0x1D360, 0x1D378}, {0x1D7CE, 0x1D7FF}, {0x1E140, 0x1E149}, {0x1E2F0, 0x1E2F9}, {0x1E4F0, 0x1E4F9},
    {0x1E5F1, 0x1E5FA}, {0x1E8C7, 0x1E8CF}, {0x1E950, 0x1E959}, {0x1EC71, 0x1ECAB}, {0x1ECAD, 0x1ECAF},
    {0x1ECB1, 0x1ECB4}, {0x1ED01, 0x1ED2D}, {0x1ED2F, 0x1ED3D}, {0x1F100, 0x1F10C}, {0x1FBF0, 0x1FBF9},
};

static bool gyeol_is_number(uint32_t cpt) {
    for (const auto & range : number_ranges) {
        if (cpt <= range[1]) {
            return cpt >= range[0];
        }
    }
    return false;
}

static bool gyeol_is_whitespace(uint32_t cpt) {
    return (0x09 <= cpt && cpt <= 0x0D) || cpt == 0x20 || cpt == 0x85 || cpt == 0xA0 || cpt == 0x1680 ||
        (0x2000 <= cpt && cpt <= 0x200A) || cpt == 0x2028 || cpt == 0x2029 || cpt == 0x202F || cpt == 0x205F ||
        cpt == 0x3000;
}

// The code point at `pos` of valid UTF-8, and behind it the next position.
static uint32_t next_cpt(const std::string & text, size_t & pos) {
    const auto byte = [&] (size_t i) { return uint32_t(uint8_t(text[i])); };
    const uint32_t first = byte(pos);
    const size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    uint32_t cpt = size == 1 ? first : first & (0x7F >> size);
    for (size_t i = 1; i < size; i++) {
        cpt = cpt << 6 | (byte(pos + i) & 0x3F);
    }
    pos += size;
    return cpt;
}

static void print_ends(const std::string & text) {
    std::vector<uint32_t> cpts;
    std::vector<size_t> ends; // byte offset behind each code point
    for (size_t pos = 0; pos < text.size(); ) {
        cpts.push_back(next_cpt(text, pos));
        ends.push_back(pos);
    }
    size_t count = 0;
    for (const size_t length : unicode_regex_split_custom_gyeol(cpts, { cpts.size() })) {
        count += length;
        printf("%zu ", ends[count - 1]);
    }
    printf("\n");
}

int main() {
    const std::string input{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
    for (size_t start = 0; start <= input.size(); ) {
        const size_t end = std::min(input.find('\xFF', start), input.size());
        print_ends(input.substr(start, end - start));
        start = end + 1;
    }
}

#endif
