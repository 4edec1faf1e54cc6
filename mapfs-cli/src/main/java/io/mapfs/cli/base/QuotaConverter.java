package io.mapfs.cli.base;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Lets an option take a quota: a size, or {@code unlimited}, which is 0. */
public final class QuotaConverter implements ITypeConverter<Long> {
  private static final String UNLIMITED = "unlimited";

  private final SizeConverter size = new SizeConverter();

  @Override
  public Long convert(String value) {
    if (value.strip().equals(UNLIMITED)) {
      return 0L;
    }
    long bytes = size.convert(value);
    if (bytes == 0) {
      throw new TypeConversionException(
          "a quota is more than nothing; for none write '" + UNLIMITED + "'");
    }
    return bytes;
  }
}
