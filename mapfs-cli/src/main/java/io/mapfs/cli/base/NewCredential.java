package io.mapfs.cli.base;

import com.google.gson.JsonObject;
import io.mapfs.core.security.CertificateRequest;
import io.mapfs.core.security.Certificates;
import io.mapfs.core.security.Credential;
import io.mapfs.core.security.Keys;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;

/** A credential in the making: its key never leaves this machine. */
public final class NewCredential {
  private final Path file;
  private final KeyPair pair = Keys.generate();

  private NewCredential(Path file) {
    this.file = file;
  }

  /** One that will be in this file, which there must not be yet; its directory is made. */
  public static NewCredential at(Path file) throws CommandFailure, IOException {
    Path absolute = NewFile.at(file);
    Files.createDirectories(absolute.getParent());
    return new NewCredential(absolute);
  }

  /** What the appliance is asked with, in PEM. */
  public String request(String name) {
    return CertificateRequest.make(pair, name);
  }

  /** Keeps what the appliance answered. */
  public Credential save(JsonObject answer) throws CommandFailure, IOException {
    X509Certificate certificate = Certificates.parse(Fields.text(answer, "certificate"));
    X509Certificate authority = Certificates.parse(Fields.text(answer, "authority"));
    if (!certificate.getPublicKey().equals(pair.getPublic())) {
      throw new CommandFailure(
          FailureCode.CORRUPT, "the appliance's certificate is for another key than was asked for");
    }
    Credential credential = new Credential(pair.getPrivate(), certificate, authority);
    credential.save(file);
    return credential;
  }
}
