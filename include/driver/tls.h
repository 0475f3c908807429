/* What may be agreed on with a server whose TLS is shaken on the loop. Diffie-Hellman over integers is left out: the
 * server chooses its size, and 8,192 bits keep a client for a quarter of a second. A good server has an elliptic curve
 * or, in TLS 1.2, takes RSA. */
#ifndef DRIVER_TLS_H
#define DRIVER_TLS_H

#define TLS_CIPHERS   "DEFAULT:!kDHE:!kDHEPSK:!kPSK:!kRSAPSK:!kSRP" /* of TLS 1.2 */
#define TLS_GROUPS    "X25519:P-256:P-384:P-521"
#define TLS_CHAIN_MAX 8           /* certificates between the server's and one that is trusted */
#define TLS_BYTES_MAX (32 * 1024) /* of all that the server shows */

#endif
