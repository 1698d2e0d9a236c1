"""Self-signed certificates."""

import os
import subprocess


def make_certificate(directory, name, days=30):
    """Returns the paths of a new certificate and its key (mode 0600)."""
    os.makedirs(directory, exist_ok=True)
    cert, key = f"{directory}/{name}.crt", f"{directory}/{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days),
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
         "-keyout", key, "-out", cert],
        check=True, capture_output=True)
    os.chmod(key, 0o600)
    return cert, key
