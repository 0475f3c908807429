/* Addresses and networks, see network.h. */
#include "base/network.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define V4_BITS 96 /* the bits in front of an IPv4 address that is written as one of IPv6 */
#define V6_BITS 128
#define SOURCE  8 /* bytes of an IPv6 address that name its network */

static const unsigned char v4_prefix[V4_BITS / 8] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_v4(const struct network_address *address)
{
	return memcmp(address->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool network_parse_address(const char *text, struct network_address *ret_address)
{
	struct network_address address;

	if (inet_pton(AF_INET6, text, address.bytes) != 1) {
		memcpy(address.bytes, v4_prefix, sizeof(v4_prefix));
		if (inet_pton(AF_INET, text, address.bytes + sizeof(v4_prefix)) != 1)
			return false;
	}
	*ret_address = address;
	return true;
}

void network_format_address(const struct network_address *address, char *ret_text)
{
	const bool v4 = is_v4(address);

	if (inet_ntop(v4 ? AF_INET : AF_INET6, address->bytes + (v4 ? sizeof(v4_prefix) : 0), ret_text,
	              NETWORK_TEXT_MAX) == NULL)
		ret_text[0] = '\0';
}

static bool have_same_begin(const struct network_address *left, const struct network_address *right, unsigned bits)
{
	const unsigned whole = bits / 8, rest = bits % 8;
	const unsigned mask = (0xff00U >> rest) & 0xffU;

	return memcmp(left->bytes, right->bytes, whole) == 0 &&
	       (rest == 0 || ((left->bytes[whole] ^ right->bytes[whole]) & mask) == 0);
}

static bool has_bits_behind(const struct network *network)
{
	for (unsigned bit = network->bits; bit < V6_BITS; bit++) {
		if ((network->address.bytes[bit / 8] & 0x80U >> bit % 8) != 0)
			return true;
	}
	return false;
}

/* Networks of IPv6 that are so large do, too. */
static bool holds_all_of_v4(const struct network *network)
{
	struct network_address v4 = {0};

	memcpy(v4.bytes, v4_prefix, sizeof(v4_prefix));
	return network->bits <= V4_BITS && have_same_begin(&network->address, &v4, network->bits);
}

/* The length behind the slash; -1: it is none. */
static int parse_length(const char *text, bool v4)
{
	int64_t bits;

	if (text_parse_number(text, &bits) != 0 || bits < 0 || bits > (v4 ? V6_BITS - V4_BITS : V6_BITS))
		return -1;
	return (int)bits + (v4 ? V4_BITS : 0);
}

int network_parse(const char *text, struct network *ret_network, struct error *error)
{
	const size_t length = strcspn(text, "/");
	struct network network = {.bits = V6_BITS};
	char address[NETWORK_TEXT_MAX] = "";
	int bits = V6_BITS;

	if (length < sizeof(address))
		memcpy(address, text, length);
	if (!network_parse_address(address, &network.address))
		return error_set(error, ERR_INVALID, "\"%.100s\" is neither an address nor a network", text);
	if (text[length] == '/')
		bits = parse_length(text + length + 1, strchr(address, ':') == NULL);
	if (bits < 0)
		return error_set(error, ERR_INVALID, "\"%.100s\" has no good length behind its slash", text);
	network.bits = (unsigned)bits;
	if (holds_all_of_v4(&network))
		return error_set(error, ERR_INVALID, "\"%.100s\" is every address there is, or every one of IPv4",
		                 text);
	if (has_bits_behind(&network))
		return error_set(error, ERR_INVALID, "\"%.100s\" has bits behind its length", text);
	*ret_network = network;
	return 0;
}

bool network_holds(const struct network *networks, size_t count, const struct network_address *address)
{
	for (size_t i = 0; i < count; i++) {
		if (have_same_begin(&networks[i].address, address, networks[i].bits))
			return true;
	}
	return false;
}

void network_source(const struct network_address *address, struct network_address *ret_source)
{
	*ret_source = *address;
	if (!is_v4(address))
		memset(ret_source->bytes + SOURCE, 0, sizeof(ret_source->bytes) - SOURCE);
}
