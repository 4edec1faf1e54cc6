package io.mapfs.core.security;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sections of a PEM file (RFC 7468). */
public final class Pem {
  public static final String PRIVATE_KEY = "PRIVATE KEY";
  public static final String PUBLIC_KEY = "PUBLIC KEY";
  public static final String CERTIFICATE = "CERTIFICATE";
  public static final String REQUEST = "CERTIFICATE REQUEST";

  private static final int LINE = 64;

  private Pem() {}

  /** One section as text. */
  public static String encode(String label, byte[] der) {
    Base64.Encoder encoder = Base64.getMimeEncoder(LINE, new byte[] {'\n'});
    String body = encoder.encodeToString(der);
    return "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n";
  }

  /** One section as the bytes of a file. */
  public static byte[] file(String label, byte[] der) {
    return encode(label, der).getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * The sections with this label, in order.
   *
   * @throws IOException if one of them is not well formed
   */
  public static List<byte[]> decode(String label, String text) throws IOException {
    Pattern section =
        Pattern.compile("-----BEGIN " + label + "-----([^-]*)-----END " + label + "-----");
    Matcher matcher = section.matcher(text);
    List<byte[]> found = new ArrayList<>();
    while (matcher.find()) {
      try {
        found.add(Base64.getMimeDecoder().decode(matcher.group(1)));
      } catch (IllegalArgumentException e) {
        throw new IOException("a section '" + label + "' is damaged", e);
      }
    }
    return found;
  }

  /**
   * The one section with this label.
   *
   * @throws IOException if there is none, or more, or it is not well formed
   */
  public static byte[] decodeOne(String label, String text) throws IOException {
    List<byte[]> found = decode(label, text);
    if (found.size() != 1) {
      throw new IOException("there are " + found.size() + " sections '" + label + "', not one");
    }
    return found.get(0);
  }
}
